import { defineConfig } from 'vitest/config'

/** The tests that have to notice a fault in plan/ and engine/: those of rows and properties. */
export default defineConfig({
  test: {
    include: ['test/unit/operator/{plan,engine,orders}/*.test.ts'],
    // It takes random histories, so a fault may pass it.
    exclude: ['test/unit/operator/engine/controller-model.test.ts'],
    testTimeout: 120_000,
  },
})

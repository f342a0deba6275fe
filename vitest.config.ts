import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // A bound for a hang, never a measure: tests wait on conditions.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})

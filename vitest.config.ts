import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // A bound for a hang, never a measure: tests wait on conditions.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Most of a test's time is waiting for a process, so that on two cores a single worker leaves one idle.
    maxWorkers: Math.max(2, availableParallelism() - 1),
  },
})

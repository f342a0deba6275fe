import { setImmediate } from 'node:timers/promises'

/**
 * Lets other work run during long work. Call the result often: when `budgetMs` have passed since the last pause, it
 * returns a promise that resolves after all waiting events; otherwise undefined.
 */
export function createBreather(budgetMs = 10): () => Promise<void> | undefined {
  let untilMs = performance.now() + budgetMs
  return () => {
    if (performance.now() < untilMs) return undefined
    return setImmediate().then(() => {
      untilMs = performance.now() + budgetMs
    })
  }
}

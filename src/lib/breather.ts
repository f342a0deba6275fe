import { setImmediate } from 'node:timers/promises'

/**
 * Keeps long work from holding up the event loop. To be called now and then within it: where the work has had the event
 * loop for `budgetMs`, resolves once everything else that was waiting had its turn; else undefined.
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

import { setImmediate } from 'node:timers/promises'

/**
 * For many that are woken at once: lets `atOnce` of them go on, then everything else that waits for the event loop, then
 * the next. The returned function resolves when it is one's turn, in the order of the calls; at once where nobody waits.
 */
export function createTurns(atOnce: number): () => Promise<void> {
  const waiting: (() => void)[] = []
  let gone = 0
  let isResting = false

  async function rest() {
    isResting = true
    while (gone > 0) {
      await setImmediate()
      const next = waiting.splice(0, atOnce)
      gone = next.length
      for (const go of next) go()
    }
    isResting = false
  }

  return () => {
    if (gone < atOnce) {
      gone++
      if (!isResting) void rest()
      return Promise.resolve()
    }
    return new Promise((resolve) => waiting.push(resolve))
  }
}

import { setTimeout as pause } from 'node:timers/promises'

/** What is looked for, once looking does not throw any more; outside tests, too. Rejects as the last look did. */
export async function eventually<T>(look: () => T | Promise<T>, timeoutMs: number): Promise<T> {
  const endMs = performance.now() + timeoutMs
  for (;;) {
    try {
      return await look()
    } catch (error) {
      if (performance.now() > endMs) throw error
    }
    await pause(200)
  }
}

import process from 'node:process'
import type { SteadyClock } from './clock.ts'

/** npm repeats a Ctrl-C that the terminal has sent already. No person is that quick. */
const echoMs = 250

/**
 * Resolves at the first SIGINT or SIGTERM, so that the caller can finish. A second one ends the process at once, with the
 * status that shells give an interrupt.
 */
export function waitForShutdown(clock: Pick<SteadyClock, 'monotonicMs'>): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let firstAtMs: number | undefined
    const onSignal = (signal: NodeJS.Signals) => {
      if (firstAtMs !== undefined && clock.monotonicMs() - firstAtMs > echoMs) process.exit(130)
      firstAtMs ??= clock.monotonicMs()
      resolve(signal)
    }
    process.on('SIGINT', onSignal)
    process.on('SIGTERM', onSignal)
  })
}

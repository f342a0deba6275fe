import { type Clock, delay } from '../lib/clock.ts'
import { errorMessage, toOperationError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { EventReads, NomadEvent } from './events.ts'
import { losesSecrets } from './server-version.ts'

export interface EventWatchOptions {
  readonly client: EventReads
  readonly onEvent: (event: NomadEvent) => void
  readonly clock: Clock
  readonly random: () => number
  readonly log: Log
  /** Ends the watch. */
  readonly signal: AbortSignal
}

const firstRetryMs = 1000
/** Also the pause where the servers do not allow a stream. */
const lastRetryMs = 300_000

/**
 * Follows Nomad's events, if every server runs a release in which that loses no secrets. Events only save time:
 * whoever listens has to find every change without them, too. Resolves when `signal` has aborted.
 */
export async function watchEvents(options: EventWatchOptions): Promise<void> {
  const { client, onEvent, clock, random, log, signal } = options
  let failures = 0
  let reported = ''
  function report(why: string, level: 'info' | 'warn' = 'info') {
    if (why === reported || signal.aborted) return
    reported = why
    log[level]({ why }, 'no events from Nomad: its lists show changes, some seconds later')
  }

  /** @returns whether to try again soon */
  async function follow(): Promise<boolean> {
    try {
      const versions = (await client.listServers(signal)).servers.map(({ version }) => version)
      const old = versions.filter(losesSecrets)
      if (versions.length === 0 || old.length > 0) {
        report(
          `a Nomad server of version ${old.join(', ') || 'unknown'} may lose the secrets of volumes when its events are read (GH-27176): upgrade it to 1.10.7, 1.11.1 or later`,
          'warn',
        )
        return false
      }
      await client.readEvents({
        onEvent,
        onAlive() {
          failures = 0
          reported = ''
        },
        signal,
      })
      report('Nomad ended the stream')
    } catch (error) {
      report(errorMessage(error))
      return toOperationError(error).kind !== 'permanent'
    }
    return true
  }

  while (!signal.aborted) {
    const isWorthwhile = await follow()
    const retryMs = isWorthwhile ? Math.min(lastRetryMs, firstRetryMs * 2 ** failures) : lastRetryMs
    failures += 1
    await delay(clock, retryMs * (1 - random() / 2), signal)
  }
}

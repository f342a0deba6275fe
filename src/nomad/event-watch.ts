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
  /** Ends it. */
  readonly signal: AbortSignal
}

const firstRetryMs = 1000
/** Also how long a cluster whose servers do not allow a stream is left alone. */
const lastRetryMs = 300_000

/**
 * Follows Nomad's events where every server is of a release in which that loses no secrets, and tells of each. Where
 * there are none, nothing is missed but time: who listens must find every change without them. Resolves when it
 * is ended.
 */
export async function watchEvents(options: EventWatchOptions): Promise<void> {
  const { client, onEvent, clock, random, log, signal } = options
  let failures = 0
  let said = ''
  function say(why: string, level: 'info' | 'warn' = 'info') {
    if (why === said || signal.aborted) return
    said = why
    log[level]({ why }, 'no events from Nomad: changes are found by its lists')
  }

  /** @returns whether it is worth trying again soon */
  async function follow(): Promise<boolean> {
    try {
      const versions = (await client.listServers(signal)).servers.map(({ version }) => version)
      const old = versions.filter(losesSecrets)
      if (versions.length === 0 || old.length > 0) {
        say(
          `a Nomad server of version ${old.join(', ') || 'unknown'} may lose the secrets of volumes by events and reads (GH-27176): upgrade to 1.10.7, 1.11.1 or later`,
          'warn',
        )
        return false
      }
      await client.readEvents({
        onEvent,
        onAlive() {
          failures = 0
          said = ''
        },
        signal,
      })
      say('Nomad ended the stream')
    } catch (error) {
      say(errorMessage(error))
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

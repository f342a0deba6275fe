import type { Moment } from '../../lib/clock.ts'
import { type Now, passedMs } from './now.ts'

/**
 * Stored before a call whose answer may be lost, and removed once its outcome is known. Until then nothing else is done
 * for the declaration: the call may still be running.
 */
export interface Intent<Request> {
  /** The request without its secrets. A repeat sends this, even if the declaration has changed. */
  readonly request: Request
  /** The date at which it was sent. */
  readonly sinceMs: number
  /** If this is a repeat, when the first call was sent. */
  readonly firstMs?: number
  /** When it was sent, for measuring. Absent in records of earlier versions. */
  readonly sent?: Moment
  /** How long the call may run. The request is not repeated before, unless a read shows its outcome. 0: it has ended. */
  readonly mayRunMs?: number
  /** The answer said that it was done, but broke CSI. `externalID`: what it named. */
  readonly broken?: { readonly externalID?: string }
  /** The replica that sent it, for people. */
  readonly holder?: string
}

/**
 * How long Nomad may work on a call after it was sent. The client waits 150 s; a call that stood in a queue until then has
 * the plugin's two minutes before it (reference, 2).
 */
export const longestCallMs = 270_000

/**
 * Whether the call behind an intent may still be running. No date decides this: a clock that leaps ends no call.
 * @param callsEndedBeforeMs calls sent before this monotonic time have ended, because their server has restarted since
 */
export function mayStillRun(
  intent: Intent<unknown>,
  callsEndedBeforeMs: number | undefined,
  now: Now,
): boolean {
  if (remainingMs(intent, now) <= 0) return false
  if (callsEndedBeforeMs === undefined) return true
  return intent.sent?.boot === now.boot && intent.sent.monotonicMs >= callsEndedBeforeMs
}

function remainingMs({ sent, mayRunMs = longestCallMs }: Intent<unknown>, now: Now): number {
  return mayRunMs - passedMs(now, sent)
}

/** How much the clocks of the storage provider and of this machine may differ. */
const clockSkewMs = 300_000

/**
 * Whether the plugin answered a create with a snapshot that existed before: it does so for an equal name (CSI spec,
 * CreateSnapshot).
 * @param createTimeSeconds as the plugin reports it; 0: it does not
 */
export function isOlderThan(
  createTimeSeconds: number | bigint | string,
  { sinceMs, firstMs = sinceMs }: Pick<Intent<unknown>, 'sinceMs' | 'firstMs'>,
): boolean {
  const createdMs = Number(createTimeSeconds) * 1000
  return createdMs > 0 && createdMs + clockSkewMs < firstMs
}

/** A read may show the outcome at any time, and not every server sends an event for it. */
const outcomePollMs = 5_000

/** When to check again a call that may still be running. */
export function nextOutcomeCheckMs(intent: Intent<unknown>, now: Now): number {
  return Math.min(outcomePollMs, remainingMs(intent, now))
}

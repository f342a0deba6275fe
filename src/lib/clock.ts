import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { uptime } from 'node:os'
import process from 'node:process'

/**
 * Measures how much time passes. It knows no date: the date can be set, so the difference of two dates is no duration.
 * Whatever only measures takes this type.
 */
export interface SteadyClock {
  /**
   * Milliseconds since some moment in the past. It never goes back, and setting the date does not change it. It may stand
   * still while the machine sleeps.
   */
  monotonicMs(): number
  /** Calls `callback` once after `delayMs`. Returns the function that cancels it. */
  after(delayMs: number, callback: () => void): () => void
}

/** The source of time. Tests use clocks of their own. */
export interface Clock extends SteadyClock {
  /**
   * The date, in milliseconds since the Unix epoch. It may leap at any time, in both directions: use it for what people
   * read and for schedules, never to measure.
   */
  now(): number
  /** As `monotonicMs`, but it goes on while the machine sleeps. It is less precise. */
  uptimeMs(): number
  /** Names the boot of the machine. Readings of several processes can be compared where it is equal. */
  readonly boot: string
  /** What it read when this process started. */
  readonly started: { readonly dateMs: number; readonly uptimeMs: number }
}

/** A moment, stored so that a later process can tell how much time has passed since. */
export interface Moment {
  readonly boot: string
  readonly monotonicMs: number
}

export function momentOf({ boot, monotonicMs }: Pick<Clock, 'boot' | 'monotonicMs'>): Moment {
  return { boot, monotonicMs: monotonicMs() }
}

/** setTimeout turns a longer delay into 1 ms, so such a timer is set in pieces. */
const longestTimeoutMs = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => Number(process.hrtime.bigint()) / 1e6,
  uptimeMs: () => uptime() * 1000,
  boot: readBoot(),
  started: { dateMs: Date.now(), uptimeMs: uptime() * 1000 },
  after(delayMs, callback) {
    let timer: NodeJS.Timeout
    const arm = (remainingMs: number) => {
      timer = setTimeout(
        () => (remainingMs > longestTimeoutMs ? arm(remainingMs - longestTimeoutMs) : callback()),
        Math.max(0, Math.min(remainingMs, longestTimeoutMs)),
      )
    }
    arm(delayMs)
    return () => clearTimeout(timer)
  },
}

function readBoot(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    // Not Linux: then no other process's readings can be compared with ours.
    return randomUUID()
  }
}

/**
 * Measures from now on. The result returns the most milliseconds that can have passed: the monotonic clock may stand
 * still while the machine sleeps.
 */
export function startStopwatch(clock: Pick<Clock, 'monotonicMs' | 'uptimeMs'>): () => number {
  const startedAtMs = clock.uptimeMs()
  const startedAtMonotonicMs = clock.monotonicMs()
  return () => Math.max(clock.uptimeMs() - startedAtMs, clock.monotonicMs() - startedAtMonotonicMs)
}

/** Resolves after `delayMs`, or as soon as `signal` aborts. */
export function delay(clock: Pick<Clock, 'after'>, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const done = () => {
      cancel()
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const cancel = clock.after(delayMs, done)
    signal?.addEventListener('abort', done)
  })
}

/** Calls `callback` each time that `periodMs` have passed. @returns ends it */
export function every(clock: Pick<Clock, 'after'>, periodMs: number, callback: () => void): () => void {
  const next = (): (() => void) =>
    clock.after(periodMs, () => {
      cancel = next()
      callback()
    })
  let cancel = next()
  return () => cancel()
}

import type { Clock, Moment } from '../../lib/clock.ts'

/** The time at which a plan decides. Only schedules go by the date. */
export interface Now {
  /** Milliseconds since the Unix epoch. It may have leapt. */
  readonly dateMs: number
  /** The date as it would be if nobody had set it since this process started. */
  readonly steadyDateMs: number
  /** How long this process has run, as far as `steadyDateMs` counts. */
  readonly runsForMs: number
  readonly boot: string
  readonly monotonicMs: number
  /** Goes on while the machine sleeps. */
  readonly uptimeMs: number
  /** The monotonic time at which this process took the inventory over. */
  readonly startedMs: number
}

/** A date that was right, and how long the machine had been up then. It shows later how far the date has leapt. */
export interface ClockReading {
  readonly dateMs: number
  readonly boot: string
  readonly uptimeMs: number
}

/** Reads the time. Call it when this process takes the inventory over. */
export function createNow(clock: Clock): () => Now {
  const startedMs = clock.monotonicMs()
  const { boot, started } = clock
  return () => {
    const monotonicMs = clock.monotonicMs()
    let dates: Pick<Now, 'dateMs' | 'steadyDateMs' | 'runsForMs' | 'uptimeMs'> | undefined
    /** Together, so that they agree, and only for plans that ask: the uptime is a file of the system. */
    const read = () => {
      if (dates !== undefined) return dates
      const uptimeMs = clock.uptimeMs()
      const runsForMs = uptimeMs - started.uptimeMs
      dates = { dateMs: clock.now(), steadyDateMs: started.dateMs + runsForMs, runsForMs, uptimeMs }
      return dates
    }
    return {
      get dateMs() {
        return read().dateMs
      },
      get steadyDateMs() {
        return read().steadyDateMs
      },
      get runsForMs() {
        return read().runsForMs
      },
      get uptimeMs() {
        return read().uptimeMs
      },
      boot,
      monotonicMs,
      startedMs,
    }
  }
}

/**
 * The least milliseconds that have passed since a stored moment. On another boot of a machine, or if none was stored,
 * only the time counts that this process has seen pass: no date proves more.
 */
export function passedMs({ boot, monotonicMs, startedMs }: Now, moment: Moment | undefined): number {
  const isComparable = moment?.boot === boot && moment.monotonicMs <= monotonicMs
  return monotonicMs - (isComparable ? moment.monotonicMs : startedMs)
}

import type { Clock } from '../../src/lib/clock.ts'

export interface AdjustableClock extends Clock {
  /** Moves the time on; timers that are due by then run in their order. */
  advance(byMs: number): void
  /** Sets the date alone, as a person or NTP does: no time passes. */
  leap(byMs: number): void
}

/** Time that stands still until a test moves it. */
export function adjustableClock(startMs = Date.parse('2026-01-02T03:04:05Z')): AdjustableClock {
  let nowMs = startMs
  let leaptMs = 0
  const timers = new Set<{ atMs: number; callback: () => void }>()
  return {
    now: () => nowMs + leaptMs,
    monotonicMs: () => nowMs,
    uptimeMs: () => nowMs,
    boot: 'boot-1',
    started: { dateMs: startMs, uptimeMs: startMs },
    after(delayMs, callback) {
      const timer = { atMs: nowMs + delayMs, callback }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    leap(byMs) {
      leaptMs += byMs
    },
    advance(byMs) {
      const untilMs = nowMs + byMs
      for (;;) {
        const [next] = [...timers].filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)
        if (!next) break
        timers.delete(next)
        nowMs = Math.max(nowMs, next.atMs)
        next.callback()
      }
      nowMs = untilMs
    },
  }
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs

/** Distances from now that people think in. */
const marks = [
  [hourMs, '1 h'],
  [6 * hourMs, '6 h'],
  [dayMs, '1 day'],
  [3 * dayMs, '3 days'],
  [7 * dayMs, '1 week'],
  [30 * dayMs, '1 month'],
  [91 * dayMs, '3 months'],
  [365 * dayMs, '1 year'],
  [3 * 365 * dayMs, '3 years'],
] as const

/** Half of a line is for what is nearer than this many times the longest distance. */
const bend = 24

/**
 * Places distances from now on a line from 0 (now) to 1 (`longestMs`). It is logarithmic: hours near now and months far from
 * it both have room.
 */
export function createTimeScale(longestMs: number) {
  const unit = Math.max(longestMs, hourMs) / bend
  const whole = Math.log1p(Math.max(longestMs, hourMs) / unit)
  const place = (ms: number) => Math.min(1, Math.log1p(Math.max(0, ms) / unit) / whole)
  return {
    place,
    /**
     * Marks that are not closer to each other than `leastDistance`, a part of the line. Those that are closer than
     * `coarseDistance` are fine ones: there is no room for them on a short line.
     */
    marks(leastDistance: number, coarseDistance: number): { at: number; label: string; isFine: boolean }[] {
      const chosen: { at: number; label: string; isFine: boolean }[] = []
      let coarseAt = 0
      for (const [ms, label] of marks) {
        const at = place(ms)
        if (ms > longestMs || at < leastDistance || at - (chosen.at(-1)?.at ?? 0) < leastDistance) continue
        const isFine = at - coarseAt < coarseDistance
        if (!isFine) coarseAt = at
        chosen.push({ at, label, isFine })
      }
      return chosen
    },
  }
}

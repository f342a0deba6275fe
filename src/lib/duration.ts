const unitsMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const

/**
 * Parses `500ms`, `10s`, `1.5h`, `90d`, or `1m30s` as in Go, into milliseconds; undefined for anything else.
 */
export function parseDuration(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d|w))+$/.test(text)) return undefined
  let totalMs = 0
  for (const [, amount, , unit] of text.matchAll(/(\d+(\.\d+)?)(ms|s|m|h|d|w)/g)) {
    totalMs += Number(amount) * unitsMs[unit as keyof typeof unitsMs] // The expression knows no other unit.
  }
  return totalMs
}

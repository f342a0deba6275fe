/** Rules of retention, from the one that keeps the newest to the one that keeps the oldest. */
const names = new Map([
  ['last ready', 'newest good'],
  ['keepLast', 'last'],
  ['keepHourly', 'hourly'],
  ['keepDaily', 'daily'],
  ['keepWeekly', 'weekly'],
  ['keepMonthly', 'monthly'],
  ['maxAge', 'young enough'],
  ['no retention', 'no retention'],
  ['kept by hand', 'by hand'],
  ['source in use', 'source in use'],
  ['in the future', 'in the future'],
  ['declared', 'declared'],
  ['not ready', 'not ready'],
  ['goes next', 'goes next'],
])

export function nameRule(rule: string): string {
  return names.get(rule) ?? rule
}

/** The place of a rule among the others. */
export function rankOfRule(rule: string): number {
  const index = [...names.keys()].indexOf(rule)
  return index === -1 ? names.size : index
}

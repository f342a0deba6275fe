import type { Row } from '../operator/admin/row.ts'

const barWidth = 30

/** One line that tells how many are Ready: `[##########----------]  4 of 6 Ready, 1 Reconciling, 1 Stalled`. */
export function formatProgress(rows: readonly Row[]): string {
  const states = Map.groupBy(rows, ({ state }) => state)
  const ready = states.get('Ready')?.length ?? 0
  const filled = rows.length === 0 ? barWidth : Math.floor((barWidth * ready) / rows.length)
  const others = [...states]
    .filter(([state]) => state !== 'Ready')
    .map(([state, { length }]) => `, ${length} ${state}`)
  return `[${'#'.repeat(filled)}${'-'.repeat(barWidth - filled)}]  ${ready} of ${rows.length} Ready${others.join('')}`
}

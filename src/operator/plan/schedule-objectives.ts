import { parseDuration } from '../../lib/duration.ts'
import type { SnapshotScheduleSpec } from '../declare/snapshot-schedule.ts'
import { mostNames } from './explain-schedule.ts'
import type { SnapshotRecord, SnapshotScheduleRecord } from './record.ts'
import { hasCondition, isLive, type ScheduleObservation, volumeOf } from './schedule-observation.ts'

/**
 * Compares each volume with `spec.objectives`. Pure.
 * @returns `missed`: which volumes miss one, and by how much. `againAfterMs`: when the next one will, if nothing is taken
 */
export function planObjectives(
  { objectives }: Pick<SnapshotScheduleSpec, 'objectives'>,
  { sinceMs }: Pick<SnapshotScheduleRecord, 'sinceMs'>,
  observation: Pick<ScheduleObservation, 'volumes' | 'snapshots' | 'ready' | 'silent'>,
  nowMs: number,
): { readonly missed: string | undefined; readonly againAfterMs: number } {
  const written = objectives?.age
  const mostMs = written === undefined ? undefined : parseDuration(written)
  if (mostMs === undefined) return { missed: undefined, againAfterMs: Number.POSITIVE_INFINITY }
  const { volumes, snapshots, ready, silent } = observation
  // A plugin that does not answer now proves nothing against what was taken.
  const isGood = (snapshot: SnapshotRecord) =>
    ready.has(snapshot.key) ||
    (silent.has(snapshot.pluginID ?? '') &&
      snapshot.snapshotID !== undefined &&
      !hasCondition(snapshot, 'Stalled'))
  const good = Map.groupBy(
    snapshots.filter((snapshot) => isLive(snapshot) && isGood(snapshot)),
    volumeOf,
  )
  const missed: string[] = []
  let againAfterMs = Number.POSITIVE_INFINITY
  for (const { key, name, readySinceMs } of volumes) {
    // One that does not exist yet has no data that could be lost.
    if (readySinceMs === undefined && !good.has(key)) continue
    const taken = good.get(key)?.map(({ status, schedule }) => status.takenAtMs ?? schedule?.tickMs ?? 0)
    const newestMs = taken === undefined ? Math.max(sinceMs, readySinceMs ?? 0) : Math.max(...taken)
    const leftMs = newestMs + mostMs - nowMs
    if (leftMs > 0) againAfterMs = Math.min(againAfterMs, leftMs)
    else {
      const found = taken === undefined ? 'has no good snapshot since' : 'has its newest good snapshot from'
      missed.push(`volume "${name}" ${found} ${new Date(newestMs).toISOString()}`)
    }
  }
  const more = missed.length > mostNames ? `; and ${missed.length - mostNames} more` : ''
  return {
    missed:
      missed.length === 0
        ? undefined
        : `spec.objectives.age is ${written}, and ${missed.slice(0, mostNames).join('; ')}${more}`,
    againAfterMs,
  }
}

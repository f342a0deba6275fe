import { describe, expect, it } from 'vitest'
import type { SnapshotRecord } from '../../../../src/operator/plan/record.ts'
import { planObjectives } from '../../../../src/operator/plan/schedule-objectives.ts'
import type { ScheduleObservation } from '../../../../src/operator/plan/schedule-observation.ts'
import { snapshot } from '../../../builders/declarations.ts'
import { snapshotRecord } from '../../../builders/records.ts'

const hourMs = 3_600_000
const nowMs = Date.parse('2026-11-02T12:00:00Z')
const data = 'Volume/default/data'

/** A snapshot of the schedule, so many hours old. */
function aged(hours: number, fields: Partial<SnapshotRecord> = {}): SnapshotRecord {
  const takenAtMs = nowMs - hours * hourMs
  return {
    ...snapshotRecord(snapshot(`nightly-${hours}`, 'data')),
    schedule: {
      ...{ schedule: 'SnapshotSchedule/default/nightly', volume: data },
      ...{ tickMs: takenAtMs, isExpired: false },
    },
    snapshotID: `snap-${hours}`,
    pluginID: 'disks',
    status: { conditions: [], takenAtMs },
    ...fields,
  }
}

function judge(snapshots: readonly SnapshotRecord[], fields: Partial<ScheduleObservation> = {}) {
  const seen = {
    volumes: [{ key: data, name: 'data', exists: true, readySinceMs: nowMs - 40 * hourMs }],
    snapshots,
    ready: new Set(snapshots.map(({ key }) => key)),
    silent: new Set<string>(),
    ...fields,
  }
  return planObjectives({ objectives: { age: '26h' } }, { sinceMs: nowMs - 50 * hourMs }, seen, nowMs)
}

describe('the objectives of a schedule', () => {
  it('are met by one snapshot that is young enough, until it is too old', () => {
    expect(judge([aged(30), aged(20)])).toEqual({ missed: undefined, againAfterMs: 6 * hourMs })
  })

  it.each<[string, Parameters<typeof judge>]>([
    ['all snapshots are too old', [[aged(26), aged(30)]]],
    ['the young one is not ready to use', [[aged(30), aged(2)], { ready: new Set([aged(30).key]) }]],
    [
      'retention has let go of the young one',
      [[aged(30), aged(2, { schedule: { schedule: '', volume: data, tickMs: nowMs, isExpired: true } })]],
    ],
    ['there is none, and the volume has been ready for longer', [[]]],
    [
      'the plugin does not answer, and all were too old anyway',
      [[aged(27)], { ready: new Set(), silent: new Set(['disks']) }],
    ],
  ])('are missed where %s', (_title, [snapshots, fields]) => {
    expect(judge(snapshots, fields).missed).toMatch(/^spec\.objectives\.age is 26h, and volume "data" has /)
  })

  it.each<[string, Parameters<typeof judge>]>([
    ['the plugin does not answer now', [[aged(2)], { ready: new Set(), silent: new Set(['disks']) }]],
    ['there is no volume yet', [[], { volumes: [{ key: data, name: 'data', exists: false }] }]],
    [
      'the volume has just become ready',
      [[], { volumes: [{ key: data, name: 'data', exists: true, readySinceMs: nowMs - hourMs }] }],
    ],
  ])('are not missed where %s', (_title, [snapshots, fields]) => {
    expect(judge(snapshots, fields).missed).toBeUndefined()
  })

  it('name five volumes at most', () => {
    const volumes = Array.from({ length: 8 }, (_, index) => ({
      ...{ key: `Volume/default/v${index}`, name: `v${index}`, exists: true, readySinceMs: 0 },
    }))
    expect(judge([], { volumes }).missed).toMatch(/"v4".*; and 3 more$/)
  })
})

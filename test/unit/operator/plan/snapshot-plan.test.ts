import { describe, expect, it } from 'vitest'
import type { SnapshotRecord } from '../../../../src/operator/plan/record.ts'
import type { SnapshotObservation } from '../../../../src/operator/plan/snapshot-observation.ts'
import {
  planSnapshot,
  planSnapshotEnd,
  type SnapshotEndObservation,
} from '../../../../src/operator/plan/snapshot-plan.ts'
import type { Snapshot } from '../../../../src/wire/snapshot.ts'
import { snapshot } from '../../../builders/declarations.ts'
import { boot, nowAt } from '../../../builders/now.ts'
import { nomadPlugin } from '../../../builders/observed.ts'
import { snapshotRecord } from '../../../builders/records.ts'

const nowMs = 1_000_000
const declaration = snapshot('nightly', 'data')
const csiName = snapshotRecord(declaration).csiName
const taken = { snapshotID: 'snap-1', pluginID: 'directories' }
const intent = {
  request: { SourceVolumeID: 'data', Name: csiName },
  sinceMs: nowMs - 1,
  sent: { boot, monotonicMs: nowMs - 1 },
  mayRunMs: 1_000,
}

function listed(fields: Partial<Snapshot> = {}): ReadonlyMap<string, Snapshot> {
  const entry: Snapshot = {
    ID: 'snap-1',
    ExternalSourceVolumeID: 'vol-1',
    SizeBytes: 1,
    CreateTime: 1,
    IsReady: true,
    ...fields,
  }
  return new Map([[entry.ID, entry]])
}

describe('planSnapshot', () => {
  it.each<[string, Partial<SnapshotRecord>, Partial<SnapshotObservation>, string | undefined, string]>([
    ['takes it once its volume exists', {}, {}, 'create-snapshot', 'Creating'],
    [
      'waits for its volume',
      {},
      { volume: { state: 'waiting', reason: 'VolumeNotReady', message: '' } },
      undefined,
      'VolumeNotReady',
    ],
    [
      'stalls where the plugin takes no snapshots',
      {},
      { plugin: nomadPlugin('directories', { SupportsCreateDeleteSnapshot: false }) },
      undefined,
      'PluginUnsupported',
    ],
    ['waits while a create may still be running', { intent }, {}, undefined, 'OutcomeUnknown'],
    [
      'finds by its name what a lost answer made',
      { intent },
      { snapshots: listed({ Name: csiName }) },
      'adopt-snapshot',
      'Created',
    ],
    [
      'does not take a namesake of another volume for its own',
      { intent },
      { snapshots: listed({ Name: csiName, ExternalSourceVolumeID: 'vol-2' }) },
      undefined,
      'OutcomeUnknown',
    ],
    [
      'repeats a create after its deadline',
      { intent: { ...intent, mayRunMs: 1 } },
      {},
      'create-snapshot',
      'RepeatingCreate',
    ],
    ['is ready when the plugin says so', taken, { snapshots: listed() }, undefined, 'ReadyToUse'],
    [
      'waits while the plugin works on it',
      taken,
      { snapshots: listed({ IsReady: false }) },
      undefined,
      'NotReadyToUse',
    ],
    ['never takes it again once it is gone', taken, { snapshots: new Map() }, undefined, 'Vanished'],
    ['tells "cannot list" from "not in the list"', taken, { snapshots: 'unknown' }, undefined, 'Taken'],
  ])('%s', (_title, record, observation, step, reason) => {
    const decision = planSnapshot(
      declaration,
      snapshotRecord(declaration, record),
      {
        volume: { state: 'ready', externalID: 'vol-1', pluginID: 'directories' },
        plugin: nomadPlugin('directories'),
        snapshots: 'unknown',
        callsEndedBeforeMs: undefined,
        ...observation,
      },
      nowAt(nowMs),
    )
    expect(decision.verdict.reason).toBe(reason)
    expect(decision.step).toBe(step)
  })
})

describe('planSnapshotEnd', () => {
  it.each<
    [
      string,
      'Retain' | 'Delete',
      Partial<SnapshotRecord>,
      Partial<SnapshotEndObservation>,
      string | undefined,
      string,
    ]
  >([
    ['keeps it under Retain', 'Retain', taken, {}, 'release', 'Retained'],
    [
      'does not know what is left under Retain where its delete was sent',
      'Retain',
      { ...taken, end: { declaration } },
      {},
      'release',
      'OutcomeUnknown',
    ],
    [
      'deletes it under Delete, whatever a list says that may be behind',
      'Delete',
      taken,
      {},
      'delete-snapshot',
      'Deleting',
    ],
    [
      'waits for volumes that are to be made from it',
      'Delete',
      taken,
      { dependents: ['volume default/copy'] },
      undefined,
      'HasDependents',
    ],
    ['waits for a create that may still be running', 'Delete', { intent }, {}, undefined, 'OutcomeUnknown'],
    [
      'repeats a create after its deadline, to learn what it made',
      'Delete',
      { intent: { ...intent, mayRunMs: 0 } },
      {},
      'create-snapshot',
      'RepeatingCreate',
    ],
    [
      'lets go of a create that nobody can repeat, and says that its outcome is not known',
      'Delete',
      { intent: { ...intent, mayRunMs: 0 } },
      { volume: { state: 'waiting', reason: 'VolumeNotReady', message: '' } },
      'release',
      'OutcomeUnknown',
    ],
    ['lets go where none was taken', 'Delete', {}, {}, 'release', 'NeverCreated'],
  ])('%s', (_title, deletionPolicy, record, observation, step, reason) => {
    const ended = snapshot('nightly', 'data', { deletionPolicy })
    const decision = planSnapshotEnd(
      snapshotRecord(ended, record),
      {
        plugin: nomadPlugin('directories'),
        volume: { state: 'ready', externalID: 'vol-1', pluginID: 'directories' },
        dependents: [],
        callsEndedBeforeMs: undefined,
        ...observation,
      },
      nowAt(nowMs),
    )
    expect(decision.verdict.reason).toBe(reason)
    expect(decision.step).toBe(step)
  })
})

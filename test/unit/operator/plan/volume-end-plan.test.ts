import { describe, expect, it } from 'vitest'
import type { VolumeDeclaration } from '../../../../src/operator/declare/declaration.ts'
import type { VolumeRecord } from '../../../../src/operator/plan/record.ts'
import { planVolumeEnd, type VolumeEndObservation } from '../../../../src/operator/plan/volume-end-plan.ts'
import { volume } from '../../../builders/declarations.ts'
import { boot, nowAt } from '../../../builders/now.ts'
import { nomadPlugin, nomadVolume } from '../../../builders/observed.ts'
import { volumeRecord } from '../../../builders/records.ts'

const nowMs = 1_000_000
const recorded = { externalID: 'external-data' }
const there = nomadVolume('data')
const finalIntent = {
  request: { SourceVolumeID: 'mooring-deleting-1', Name: 'final' },
  sinceMs: nowMs - 1_000,
  sent: { boot, monotonicMs: nowMs - 1_000 },
  mayRunMs: 60_000,
}
const tombstone = nomadVolume('mooring-deleting-1', { ExternalID: 'external-data' })
const restore = { snapshotID: 'snap-1', csiName: 'data-r1', incarnation: 1 }
const sent = {
  request: { ID: 'data', PluginID: 'directories', Namespace: 'default' },
  sinceMs: nowMs - 1_000,
  sent: { boot, monotonicMs: nowMs - 1_000 },
  mayRunMs: 60_000,
}
const end = (phase: 'deregister' | 'register-tombstone' | 'delete') => ({
  ...recorded,
  end: { phase, tombstoneID: 'mooring-deleting-1' },
})

type Row = [
  string,
  VolumeDeclaration['spec']['deletionPolicy'],
  Partial<VolumeRecord>,
  Partial<VolumeEndObservation>,
  string | undefined,
  string,
]

const broken = (answer: { externalID?: string }) => ({
  request: { ID: 'data', PluginID: 'p', Namespace: 'default' },
  sinceMs: nowMs - 1,
  mayRunMs: 0,
  broken: answer,
})

describe('planVolumeEnd', () => {
  it.each<Row>([
    ['leaves everything under Retain', 'Retain', recorded, { volume: there }, 'release', 'Retained'],
    ['retains nothing whose delete is done', 'Retain', end('delete'), {}, 'release', 'Deleted'],
    [
      'does not know what a delete that may be running leaves under Retain',
      'Retain',
      end('delete'),
      { tombstone },
      'release',
      'OutcomeUnknown',
    ],
    [
      'takes the tombstone out of Nomad again under Retain',
      'Retain',
      end('register-tombstone'),
      { tombstone },
      'cancel-end',
      'Retained',
    ],
    [
      'takes it out of Nomad under Deregister',
      'Deregister',
      recorded,
      { volume: there },
      'deregister-volume',
      'Deregistering',
    ],
    [
      'is done under Deregister once Nomad has it no more',
      'Deregister',
      recorded,
      {},
      'release',
      'Deregistered',
    ],
    [
      'deregisters first under Delete',
      'Delete',
      recorded,
      { volume: there },
      'deregister-volume',
      'Deregistering',
    ],
    ['then holds it under a tombstone', 'Delete', end('deregister'), {}, 'register-tombstone', 'Deleting'],
    [
      'registers the tombstone again after a crash',
      'Delete',
      end('register-tombstone'),
      {},
      'register-tombstone',
      'Deleting',
    ],
    [
      'then deletes the tombstone',
      'Delete',
      end('register-tombstone'),
      { tombstone },
      'delete-volume',
      'Deleting',
    ],
    [
      'deletes again while the tombstone is there',
      'Delete',
      end('delete'),
      { tombstone },
      'delete-volume',
      'Deleting',
    ],
    ['is done once the tombstone is gone', 'Delete', end('delete'), {}, 'release', 'Deleted'],
    [
      'is done where the provider has it no more',
      'Delete',
      recorded,
      { isUnlisted: true },
      'release',
      'Deleted',
    ],
    [
      'waits for claims (nomad#9230, terraform-provider-nomad#335)',
      'Delete',
      recorded,
      { volume: nomadVolume('data', { ReadAllocs: { 'alloc-1': null } }) },
      undefined,
      'InUse',
    ],
    [
      'waits for dependents (external-snapshotter#1305)',
      'Delete',
      recorded,
      { volume: there, dependents: ['snapshot default/s'] },
      undefined,
      'HasDependents',
    ],
    [
      'lets go of a volume that somebody replaced',
      'Delete',
      recorded,
      { volume: nomadVolume('data', { ExternalID: 'foreign' }) },
      'release',
      'Replaced',
    ],
    [
      'does not delete by a tombstone that stands for something else',
      'Delete',
      end('register-tombstone'),
      { tombstone: nomadVolume('mooring-deleting-1', { ExternalID: 'foreign' }) },
      undefined,
      'TombstoneTaken',
    ],
    [
      'waits for whoever uses the tombstone',
      'Delete',
      end('register-tombstone'),
      {
        tombstone: nomadVolume('mooring-deleting-1', {
          ExternalID: 'external-data',
          WriteAllocs: { a1: null },
        }),
      },
      undefined,
      'InUse',
    ],
    [
      'takes the volume of a restore that was made before it ends that one',
      'Delete',
      { ...recorded, restore },
      { volume: nomadVolume('data', { ExternalID: 'restored', Name: 'data-r1' }) },
      'adopt-restored',
      'Restored',
    ],
    [
      'waits for the create of a restore that may still be running',
      'Delete',
      { ...recorded, restore, intent: sent },
      {},
      undefined,
      'OutcomeUnknown',
    ],
    [
      'calls off a restore that made nothing, before it ends the volume',
      'Delete',
      { ...recorded, restore, intent: { ...sent, mayRunMs: 0 } },
      { volume: there },
      'end-restore',
      'NotRestored',
    ],
    [
      'takes the volume of a create whose answer was lost, to end that one',
      'Delete',
      { csiName: 'data', intent: sent },
      { volume: there },
      'adopt-volume',
      'Created',
    ],
    ['lets go where nothing was created', 'Delete', {}, {}, 'release', 'NeverCreated'],
    [
      'does not touch a volume of that ID which it never managed',
      'Delete',
      {},
      { volume: there },
      'release',
      'NeverCreated',
    ],
    [
      'waits for a create that may still be running',
      'Delete',
      {
        intent: {
          request: { ID: 'data', PluginID: 'p', Namespace: 'default' },
          sinceMs: nowMs - 1,
          sent: { boot, monotonicMs: nowMs - 1 },
          mayRunMs: 2,
        },
      },
      {},
      undefined,
      'OutcomeUnknown',
    ],
    ...(
      [
        [
          'repeats a create whose answer was lost, to delete what it made',
          'Delete',
          undefined,
          'create-volume',
          'RepeatingCreate',
        ],
        [
          'names what a create with a lost answer may have made, and leaves it',
          'Retain',
          undefined,
          'release',
          'OutcomeUnknown',
        ],
        [
          'repeats no create under an ID that Nomad has another volume of',
          'Delete',
          there,
          'release',
          'OutcomeUnknown',
        ],
      ] as const
    ).map(
      ([title, policy, volume, step, reason]): Row => [
        title,
        policy,
        { intent: { request: { ID: 'data', PluginID: 'p' }, sinceMs: nowMs - 2, mayRunMs: 0 } },
        { volume },
        step,
        reason,
      ],
    ),
    [
      'learns of a create that may still be running even under Retain (external-provisioner#1449)',
      'Retain',
      {
        intent: {
          request: { ID: 'data', PluginID: 'p', Namespace: 'default' },
          sinceMs: nowMs - 1,
          sent: { boot, monotonicMs: nowMs - 1 },
          mayRunMs: 2,
        },
      },
      {},
      undefined,
      'OutcomeUnknown',
    ],
    [
      'takes over what a broken answer named, to delete it',
      'Delete',
      { intent: broken({ externalID: 'made' }) },
      {},
      'adopt-volume',
      'Created',
    ],
    [
      'leaves alone what a broken answer named and another volume has',
      'Delete',
      { intent: broken({ externalID: 'made' }) },
      { isMadeTaken: true },
      'release',
      'OutcomeUnknown',
    ],
    [
      'does not repeat what was answered without an ID',
      'Delete',
      { intent: broken({}) },
      {},
      'release',
      'OutcomeUnknown',
    ],
    ['waits for its plugin', 'Delete', end('deregister'), { plugin: undefined }, undefined, 'PluginNotFound'],
  ])('%s', (_title, deletionPolicy, record, observation, step, reason) => {
    const decision = planVolumeEnd(
      volumeRecord(volume('data', { deletionPolicy }), record),
      {
        volume: undefined,
        tombstone: undefined,
        plugin: nomadPlugin('directories'),
        isUnlisted: false,
        isFinalSnapshotReady: undefined,
        snapshotIDs: [],
        dependents: [],
        sharers: [],
        isMadeTaken: false,
        callsEndedBeforeMs: undefined,
        ...observation,
      },
      nowAt(nowMs),
    )
    expect(decision.verdict.reason).toBe(reason)
    expect(decision.step).toBe(step)
  })

  it.each<[string, Partial<VolumeDeclaration['spec']>, Partial<VolumeRecord>, Partial<VolumeEndObservation>]>(
    [
      [
        'whose answer was lost, under a declared name',
        { name: 'fixed' },
        { intent: { ...sent, mayRunMs: 0 } },
        {},
      ],
      [
        'whose answer broke CSI, under a declared name',
        { name: 'fixed' },
        { intent: broken({ externalID: 'e' }) },
        {},
      ],
      [
        'whose answer broke CSI, under Deregister',
        { deletionPolicy: 'Deregister' },
        { intent: broken({ externalID: 'e' }) },
        {},
      ],
      [
        'whose answer was lost, while it is suspended',
        { suspend: true },
        { intent: { ...sent, mayRunMs: 0 } },
        {},
      ],
    ],
  )(
    'neither repeats nor takes over a create %s: it could be somebody else’s volume',
    (_title, spec, record, observation) => {
      const decision = planVolumeEnd(
        volumeRecord(volume('data', { deletionPolicy: 'Delete', ...spec }), record),
        {
          volume: undefined,
          tombstone: undefined,
          plugin: nomadPlugin('directories'),
          isUnlisted: false,
          isFinalSnapshotReady: undefined,
          snapshotIDs: [],
          dependents: [],
          sharers: [],
          isMadeTaken: false,
          callsEndedBeforeMs: undefined,
          ...observation,
        },
        nowAt(nowMs),
      )
      expect(decision.step).toBe('release')
    },
  )

  it.each<[string, Partial<VolumeRecord>, boolean | undefined, string | undefined, string]>([
    [
      'takes the final snapshot of the tombstone before the delete',
      {},
      undefined,
      'take-final-snapshot',
      'FinalSnapshot',
    ],
    [
      'waits until the final snapshot is ready',
      { finalSnapshot: { intent: finalIntent, snapshotID: 's' } },
      false,
      undefined,
      'FinalSnapshotNotReady',
    ],
    [
      'deletes once the final snapshot is ready',
      { finalSnapshot: { intent: finalIntent, snapshotID: 's' } },
      true,
      'delete-volume',
      'Deleting',
    ],
    [
      'does not ask twice while the first answer may still come',
      { finalSnapshot: { intent: finalIntent } },
      undefined,
      undefined,
      'OutcomeUnknown',
    ],
  ])('%s', (_title, record, isFinalSnapshotReady, step, reason) => {
    const declaration = volume('data', { deletionPolicy: 'Delete', finalSnapshot: true })
    const decision = planVolumeEnd(
      volumeRecord(declaration, { ...end('register-tombstone'), ...record }),
      {
        volume: undefined,
        tombstone,
        plugin: nomadPlugin('directories'),
        isUnlisted: false,
        isFinalSnapshotReady,
        snapshotIDs: [],
        dependents: [],
        sharers: [],
        isMadeTaken: false,
        callsEndedBeforeMs: undefined,
      },
      nowAt(nowMs),
    )
    expect(decision.verdict.reason).toBe(reason)
    expect(decision.step).toBe(step)
  })

  describe('of a delete that the plugin refused', () => {
    const refusal = {
      message: 'it has snapshots',
      snapshotIDs: ['s1', 's2'],
      at: { boot, monotonicMs: nowMs - 1 },
    }
    it.each([
      [
        'stalls while one of the snapshots is there, and names it',
        refusal,
        ['s2', 's3'],
        undefined,
        'HasSnapshots',
      ],
      ['goes on once they are gone', refusal, ['s3'], 'delete-volume', 'Deleting'],
      ['stalls for another reason', { ...refusal, snapshotIDs: [] }, [], undefined, 'DeleteRefused'],
      [
        'tries again for another reason after ten minutes',
        { ...refusal, snapshotIDs: [], at: { boot, monotonicMs: nowMs - 600_000 } },
        [],
        'delete-volume',
        'Deleting',
      ],
    ] as const)('%s', (_title, refused, snapshotIDs, step, reason) => {
      const decision = planVolumeEnd(
        volumeRecord(volume('data', { deletionPolicy: 'Delete' }), {
          ...recorded,
          end: { phase: 'register-tombstone', tombstoneID: 'mooring-deleting-1', refusal: refused },
        }),
        {
          volume: undefined,
          tombstone,
          plugin: nomadPlugin('directories'),
          isUnlisted: false,
          isFinalSnapshotReady: undefined,
          snapshotIDs,
          dependents: [],
          sharers: [],
          isMadeTaken: false,
          callsEndedBeforeMs: undefined,
        },
        nowAt(nowMs),
      )
      expect(decision.step).toBe(step)
      expect(decision.verdict.reason).toBe(reason)
      if (reason === 'HasSnapshots') expect(decision.verdict).toMatchObject({ state: 'stalled' })
      if (reason === 'HasSnapshots') expect(decision.verdict.message).toContain('"s2" (it has snapshots)')
    })
  })

  it('keeps what was suspended, whatever the policy says', () => {
    const record = volumeRecord(volume('data', { deletionPolicy: 'Delete', suspend: true }), recorded)
    const decision = planVolumeEnd(
      record,
      {
        volume: there,
        tombstone: undefined,
        plugin: undefined,
        isUnlisted: false,
        isFinalSnapshotReady: undefined,
        snapshotIDs: [],
        dependents: [],
        sharers: [],
        isMadeTaken: false,
        callsEndedBeforeMs: undefined,
      },
      nowAt(nowMs),
    )
    expect(decision.step).toBe('release')
  })
})

import Type from 'typebox'
import { Check } from 'typebox/value'
import { describe, expect, it } from 'vitest'
import {
  SnapshotScheduleStatus,
  SnapshotStatus,
  VolumeStatus,
} from '../../../../src/operator/declare/object-status.ts'
import { nameOfScheduledSnapshot } from '../../../../src/operator/kubernetes/scheduled-snapshot.ts'
import { statusOfRecord, statusOfVerdict } from '../../../../src/operator/kubernetes/status.ts'
import { conditionsOf } from '../../../../src/operator/plan/status.ts'
import { schedule, snapshot, volume } from '../../../builders/declarations.ts'
import { objectPlace } from '../../../builders/objects.ts'
import { snapshotRecord, volumeRecord } from '../../../builders/records.ts'

const atMs = Date.parse('2026-01-02T03:04:05.678Z')
const ready = conditionsOf({ state: 'ready', reason: 'AsDeclared', message: 'as declared' }, [], atMs)
const observed = { namespace: 'team-a', uid: 'u', generation: 7, reconcileAt: 'now' }

describe('statusOfRecord', () => {
  it('says of a volume what kstatus, Flux and kubectl wait read', () => {
    const record = volumeRecord(volume('data', {}, objectPlace('Volume team-a/data', 'u', 7)), {
      externalID: 'vol-1',
      status: {
        conditions: ready,
        sizeBytes: 2 ** 30,
        claims: ['a'],
        attachedNodes: ['n1'],
        unreadable: ['spec.secrets'],
        schedulable: true,
        history: [{ step: 'create-volume', why: 'new', atMs, outcome: 'done', times: 1 }],
      },
    })
    const status = statusOfRecord(record, observed, { lastHandledRestoreFrom: 'nightly@vol-0' })
    expect(Check(VolumeStatus, status)).toBe(true)
    expect(status).toMatchObject({
      observedGeneration: 7,
      lastHandledReconcileAt: 'now',
      lastHandledRestoreFrom: 'nightly@vol-0',
      externalID: 'vol-1',
      capacity: '1Gi',
      claims: ['a'],
      attachedNodes: ['n1'],
      unreadable: ['spec.secrets'],
      lastStep: { step: 'create-volume', time: '2026-01-02T03:04:05Z' },
    })
    expect(status.conditions).toContainEqual({
      type: 'Ready',
      status: 'True',
      observedGeneration: 7,
      reason: 'AsDeclared',
      message: 'as declared',
      lastTransitionTime: '2026-01-02T03:04:05Z',
    })
  })

  it('says of a snapshot and of a schedule what their schemas allow', () => {
    const taken = snapshotRecord(snapshot('nightly', 'data'), {
      snapshotID: 'snap-1',
      pluginID: 'directories',
      status: { conditions: ready, sizeBytes: 2 ** 20, takenAtMs: atMs },
    })
    const status = statusOfRecord(taken, observed, {})
    expect(Check(SnapshotStatus, status)).toBe(true)
    expect(status).toMatchObject({
      snapshotID: 'snap-1',
      size: '1Mi',
      ready: true,
      createTime: '2026-01-02T03:04:05Z',
    })

    const key = 'Snapshot/default/nightly:data:1'
    const declaration = schedule('nightly', ['data'])
    const scheduled = statusOfRecord(
      {
        kind: 'SnapshotSchedule',
        key: 'SnapshotSchedule/default/nightly',
        declaration,
        csiName: '',
        incarnation: 0,
        sinceMs: 0,
        ticks: {},
        status: { conditions: ready, nextRunMs: atMs, kept: { [key]: ['keepLast'] } },
      },
      observed,
      {},
    )
    expect(Check(Type.Object({ ...SnapshotScheduleStatus.properties }), scheduled)).toBe(true)
    expect(scheduled).toMatchObject({ kept: { [nameOfScheduledSnapshot(key)]: ['keepLast'] } })
  })
})

describe('statusOfVerdict', () => {
  const verdict = { state: 'stalled', reason: 'Invalid', message: 'spec.capacity is wrong' } as const
  it('keeps what was found before, and the time while the state is the same', () => {
    const first = statusOfVerdict(verdict, 2, { externalID: 'vol-1' }, atMs)
    expect(first).toMatchObject({ observedGeneration: 2, externalID: 'vol-1' })
    const second = statusOfVerdict({ ...verdict, message: 'spec.source is wrong' }, 3, first, atMs + 60_000)
    const stalled = second.conditions?.find(({ type }) => type === 'Stalled')
    expect(stalled).toMatchObject({
      status: 'True',
      observedGeneration: 3,
      message: 'spec.source is wrong',
      lastTransitionTime: '2026-01-02T03:04:05Z',
    })
    expect(statusOfVerdict(verdict, 2, first, atMs + 60_000)).toEqual(first)
  })
})

describe('nameOfScheduledSnapshot', () => {
  it('is the name of an object, and differs where keys do', () => {
    const name = nameOfScheduledSnapshot('Snapshot/prod/nightly:my.data:20260101T030000Z')
    expect(name).toMatch(/^nightly-my\.data-20260101t030000z-[0-9a-f]{6}$/)
    expect(nameOfScheduledSnapshot('Snapshot/prod/a:b-c:1')).not.toBe(
      nameOfScheduledSnapshot('Snapshot/prod/a-b:c:1'),
    )
    expect(
      nameOfScheduledSnapshot(`Snapshot/prod/${'a'.repeat(250)}:${'b'.repeat(250)}:1`).length,
    ).toBeLessThan(254)
  })
})

import { describe, expect, it } from 'vitest'
import type { Moment } from '../../../../src/lib/clock.ts'
import type { OperationError } from '../../../../src/lib/errors.ts'
import { longestCallMs } from '../../../../src/operator/plan/intent.ts'
import { endAfterFailure, isDeleteOpen } from '../../../../src/operator/plan/open-delete.ts'
import type { VolumeEnd } from '../../../../src/operator/plan/record.ts'
import { boot, nowAt } from '../../../builders/now.ts'

const now = nowAt(86_400_000)
const sentAgo = (ms: number) => ({ boot, monotonicMs: now.monotonicMs - ms })
const refusal = { message: 'it has snapshots', snapshotIDs: ['snap-1'] }
const sent: VolumeEnd = { phase: 'delete', tombstoneID: 't', sent: sentAgo(0) }

describe('a delete that may take effect', () => {
  it.each<[string, VolumeEnd | undefined, boolean]>([
    ['there is none without an end', undefined, false],
    ['there is none before it is sent', { phase: 'register-tombstone', tombstoneID: 't' }, false],
    [
      'there is one while no answer is known, however long ago it was sent',
      { ...sent, sent: sentAgo(10 * longestCallMs) },
      true,
    ],
    [
      'there is one after the refusal of a repeat, while the earlier call may be running',
      { ...sent, refusal },
      true,
    ],
    [
      'there is none after a refusal, when no earlier call can be running',
      { ...sent, sent: sentAgo(longestCallMs), refusal },
      false,
    ],
  ])('%s', (_title, end, isOpen) => expect(isDeleteOpen(end, now)).toBe(isOpen))
})

describe('after a delete of a snapshot failed', () => {
  type Ending = { readonly end?: { readonly sent?: Moment } }
  const latest: Ending = { end: { sent: sentAgo(0) } }
  const earlier: Ending = { end: { sent: sentAgo(longestCallMs - 1) } }
  const longAgo: Ending = { end: { sent: sentAgo(longestCallMs) } }

  it.each<[string, Ending, OperationError['kind'], Ending]>([
    ['the end stays open where its outcome is not known', {}, 'ambiguous', latest],
    ['the end can be called off where the first call was refused', {}, 'permanent', {}],
    ['the end can be called off where the first call never arrived', {}, 'transient', {}],
    [
      'the end stays open where a repeat is refused, and an earlier call may run',
      earlier,
      'permanent',
      earlier,
    ],
    ['the end stays open where a repeat fails, and an earlier call may run', earlier, 'transient', earlier],
    [
      'the end can be called off where a repeat is refused long after the earlier call',
      longAgo,
      'permanent',
      {},
    ],
    ['the end of an earlier version stays open until it is refused', { end: {} }, 'transient', { end: {} }],
    ['the end of an earlier version can be called off once it is refused', { end: {} }, 'permanent', {}],
  ])('%s', (_title, before, kind, after) => {
    expect(endAfterFailure(latest, before, { kind }, now)).toEqual(after)
  })
})

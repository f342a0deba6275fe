import { describe, expect, it } from 'vitest'
import { longestCallMs } from '../../../../src/operator/plan/intent.ts'
import { isDeleteOpen } from '../../../../src/operator/plan/open-delete.ts'
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

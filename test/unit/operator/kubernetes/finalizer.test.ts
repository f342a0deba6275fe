import { describe, expect, it } from 'vitest'
import { isHeldFor, planFinalizer } from '../../../../src/operator/kubernetes/finalizer.ts'
import type { VolumeRecord } from '../../../../src/operator/plan/record.ts'
import { schedule, volume } from '../../../builders/declarations.ts'
import { volumeRecord } from '../../../builders/records.ts'

const retain = volume('data')
const remove = volume('data', { deletionPolicy: 'Delete' })
const intent = { request: {}, sinceMs: 0 } as unknown as NonNullable<VolumeRecord['intent']>

describe('planFinalizer', () => {
  it.each([
    ['is not needed with Retain', false, false, retain, volumeRecord(retain), 'leave'],
    ['goes on with Delete', false, false, remove, volumeRecord(remove), 'add'],
    ['stays with Delete', true, false, remove, volumeRecord(remove), 'leave'],
    ['goes on while a create is out', false, false, retain, volumeRecord(retain, { intent }), 'add'],
    ['stays while a create is out', true, false, retain, volumeRecord(retain, { intent }), 'leave'],
    ['comes off when the create is settled', true, false, retain, volumeRecord(retain), 'remove'],
    ['comes off when the policy becomes Retain', true, false, retain, volumeRecord(remove), 'remove'],
    ['is never on what has no policy', false, false, schedule('nightly', ['data']), undefined, 'leave'],
    ['stays while the end is not done', true, true, remove, volumeRecord(remove), 'leave'],
    ['stays while a Retain with a create out ends', true, true, retain, volumeRecord(retain), 'leave'],
    ['comes off when the end is done', true, true, remove, undefined, 'remove'],
    ['cannot go on while it ends', false, true, remove, volumeRecord(remove), 'leave'],
    ['comes off what manages nothing (external-provisioner#1507)', true, false, remove, undefined, 'remove'],
    ['stays on what cannot be used', true, false, undefined, volumeRecord(remove), 'leave'],
    ['comes off what cannot be used and manages nothing', true, true, undefined, undefined, 'remove'],
  ] as const)('%s', (_title, hasFinalizer, isEnding, declaration, record, change) => {
    const records = record === undefined ? [] : [record]
    expect(planFinalizer({ hasFinalizer, isEnding, declaration, records, isHeld: false })).toBe(change)
  })

  it('stays while one volume of several is in the making, in the inventory or about to be there', () => {
    const whole = volume('data', { perAlloc: { count: 2, whenScaled: 'Retain' } })
    const options = { hasFinalizer: true, isEnding: false, declaration: whole }
    const settled = volumeRecord(retain)
    const records = [settled, volumeRecord(retain, { intent })]
    expect(planFinalizer({ ...options, records, isHeld: false })).toBe('leave')
    expect(planFinalizer({ ...options, records: [settled, settled], isHeld: true })).toBe('leave')
    expect(planFinalizer({ ...options, records: [settled, settled], isHeld: false })).toBe('remove')
  })
})

describe('isHeldFor', () => {
  it.each([
    ['create-volume', retain, true],
    ['recreate-volume', retain, true],
    ['update-volume', retain, false],
    ['update-volume', remove, true],
    ['start-snapshot', schedule('nightly', ['data']), false],
  ] as const)('%s', (step, declaration, isHeld) => {
    expect(isHeldFor(step, declaration)).toBe(isHeld)
  })
})

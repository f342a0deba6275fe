import { Check } from 'typebox/value'
import { describe, expect, it } from 'vitest'
import { VolumeStatus } from '../../../../src/operator/declare/object-status.ts'
import { instancesOf, statusOfInstances } from '../../../../src/operator/kubernetes/instances.ts'
import { expandPerAlloc } from '../../../../src/operator/plan/per-alloc.ts'
import { conditionsOf, type Verdict } from '../../../../src/operator/plan/status.ts'
import { volume } from '../../../builders/declarations.ts'
import { objectPlace } from '../../../builders/objects.ts'
import { volumeRecord } from '../../../builders/records.ts'

const nowMs = Date.parse('2026-01-02T03:04:05Z')
const asDeclared: Verdict = { state: 'ready', reason: 'AsDeclared', message: 'as declared' }
const vanished: Verdict = { state: 'stalled', reason: 'Vanished', message: 'is gone' }

const whole = (count: number, generation = 1) =>
  volume(
    'set',
    { perAlloc: { count, whenScaled: 'Retain' } },
    objectPlace('Volume team-a/set', 'uid', generation),
  )

/** Records of its volumes, one for each verdict. */
const recordsOf = (declaration: ReturnType<typeof whole>, ...verdicts: Verdict[]) =>
  expandPerAlloc(declaration).flatMap((each, index) => {
    const verdict = verdicts[index]
    return each.kind === 'Volume' && verdict !== undefined
      ? [
          volumeRecord(each, {
            externalID: `vol-${index}`,
            ...(each.place.object === undefined ? {} : { observed: each.place.object }),
            status: { conditions: conditionsOf(verdict, [], nowMs - index * 1000) },
          }),
        ]
      : []
  })

function statusOf(
  declaration: ReturnType<typeof whole>,
  records: ReturnType<typeof recordsOf>,
  before: VolumeStatus = {},
) {
  const parts = instancesOf(declaration, 'uid', { find: () => records }, [])
  return statusOfInstances(declaration, parts, declaration.place.object, before, nowMs)
}

const readyOf = ({ conditions = [] }: VolumeStatus) => conditions.find(({ type }) => type === 'Ready')

describe('the status of an object with perAlloc', () => {
  it('has a row for each volume, and the conditions of the one that is furthest from ready', () => {
    const declaration = whole(2)
    const status = statusOf(declaration, recordsOf(declaration, asDeclared, vanished))
    expect(Check(VolumeStatus, status)).toBe(true)
    expect(status).toMatchObject({
      observedGeneration: 1,
      volumeID: 'set',
      instances: [
        { index: 0, volumeID: 'set[0]', externalID: 'vol-0', ready: 'True', reason: 'AsDeclared' },
        { index: 1, volumeID: 'set[1]', externalID: 'vol-1', ready: 'False', reason: 'Vanished' },
      ],
    })
    expect(readyOf(status)).toMatchObject({
      status: 'False',
      reason: 'Vanished',
      message: 'set[1]: is gone',
    })
  })

  it('is not ready, and not about the spec, while one volume was not looked at', () => {
    const before = statusOf(whole(1), recordsOf(whole(1), asDeclared))
    expect(readyOf(before)?.status).toBe('True')
    const status = statusOf(whole(2, 2), recordsOf(whole(1, 2), asDeclared), before)
    expect(status.observedGeneration).toBe(1)
    expect(readyOf(status)).toMatchObject({
      status: 'Unknown',
      reason: 'New',
      message: '1 of 2 volumes have been checked',
    })
    expect(status.instances).toMatchObject([{ ready: 'True' }, { ready: 'Unknown', reason: 'New' }])
  })

  it('shows what a lowered count leaves out for as long as it is managed, and what something else has', () => {
    const records = recordsOf(whole(3), asDeclared, asDeclared, asDeclared)
    const shown = instancesOf(whole(1), 'uid', { find: () => records.slice(1) }, [
      {
        key: 'Volume/default/set[0]',
        declaration: whole(1),
        reason: 'OwnedElsewhere',
        message: 'is of another',
      },
    ])
    expect(shown.map(({ isDeclared, record }) => [isDeclared, record?.externalID])).toEqual([
      [true, undefined],
      [false, 'vol-1'],
      [false, 'vol-2'],
    ])
    const status = statusOfInstances(whole(1), shown, whole(1).place.object, {}, nowMs)
    expect(readyOf(status)).toMatchObject({ reason: 'OwnedElsewhere', message: 'set[0]: is of another' })
  })

  it('keeps the time of a condition while another volume comes to speak for it', () => {
    const declaration = whole(2)
    const first = statusOf(declaration, recordsOf(declaration, vanished, asDeclared))
    const later = statusOf(declaration, recordsOf(declaration, asDeclared, vanished), first)
    expect(readyOf(later)?.message).toBe('set[1]: is gone')
    expect(readyOf(later)?.lastTransitionTime).toBe(readyOf(first)?.lastTransitionTime)
  })

  it('is no other where nothing changed', () => {
    const declaration = whole(2)
    const records = recordsOf(declaration, asDeclared, vanished)
    const status = statusOf(declaration, records)
    expect(statusOf(declaration, records, status)).toEqual(status)
  })
})

import { describe, expect, it } from 'vitest'
import { presentWholes } from '../../../../src/operator/admin/present-instances.ts'
import type { VolumeDeclaration } from '../../../../src/operator/declare/declaration.ts'
import { planOwnership } from '../../../../src/operator/desired/ownership.ts'
import { keyOf } from '../../../../src/operator/plan/identity.ts'
import { expandPerAlloc, familyOf, planScaledAway, wholeOf } from '../../../../src/operator/plan/per-alloc.ts'
import type { VolumeRecord } from '../../../../src/operator/plan/record.ts'
import { findReleased, type Released } from '../../../../src/operator/plan/released.ts'
import { conditionsOf, type Verdict } from '../../../../src/operator/plan/status.ts'
import { place, volume } from '../../../builders/declarations.ts'
import { volumeRecord } from '../../../builders/records.ts'

const perAlloc = (count: number, whenScaled: 'Retain' | 'Deregister' | 'Delete' = 'Retain') => ({
  perAlloc: { count, whenScaled },
})

function own(declarations: readonly VolumeDeclaration[], records: readonly VolumeRecord[] = []) {
  return planOwnership(declarations, new Map(records.map((record) => [record.key, record])), 'global')
}

/** The records of all that the declaration makes. */
function recordsOf(declaration: VolumeDeclaration): VolumeRecord[] {
  return expandPerAlloc(declaration).map((each) => volumeRecord(each as VolumeDeclaration))
}

describe('perAlloc', () => {
  it('makes one volume for each index, under the IDs that per_alloc of a job looks for', () => {
    const { owners, refusals } = own([volume('data', { volumeID: 'pg', ...perAlloc(3) })])
    expect([...owners.keys()]).toEqual([
      'Volume/default/pg[0]',
      'Volume/default/pg[1]',
      'Volume/default/pg[2]',
    ])
    expect([...owners.values()].map(({ name }) => name)).toEqual(['data[0]', 'data[1]', 'data[2]'])
    expect(refusals).toEqual([])
  })

  it('gives each a CSI name of its own, without brackets, which some plugins refuse', () => {
    const names = recordsOf(volume('data', perAlloc(3))).map(({ csiName }) => csiName)
    expect(new Set(names).size).toBe(3)
    for (const name of names) expect(name).toMatch(/^data-\d-[0-9a-f]{10}$/)
  })

  it('is what it was written as again, whichever instance one looks at', () => {
    const written = volume('data', { volumeID: 'pg', ...perAlloc(2) })
    for (const instance of expandPerAlloc(written)) expect(wholeOf(instance)).toEqual(written)
    expect(wholeOf(volume('data'))).toBeUndefined()
  })

  it('is another family than a plain volume of the same ID', () => {
    const [instance = volume('none')] = expandPerAlloc(volume('data', perAlloc(1)))
    expect(familyOf(instance)).not.toBe(familyOf(volume('data')))
  })

  it.each([
    ['metadata.name', volume('data', { volumeID: 'other' }, place('b.yaml'))],
    ['volume ID', volume('other', { volumeID: 'data', ...perAlloc(5) }, place('b.yaml'))],
  ])('refuses another document with its %s, and every instance of that', (_what, other) => {
    const { owners, refusals } = own([volume('data', perAlloc(2)), other])
    expect([...owners.keys()]).toEqual(['Volume/default/data[0]', 'Volume/default/data[1]'])
    expect(refusals).toHaveLength(other.spec.perAlloc?.count ?? 1)
  })

  it('refuses one of its volumes that another document declares by its ID, and keeps the others', () => {
    const single = volume('single', { volumeID: 'data[1]' }, place('a.yaml'))
    const { owners, refusals } = own([single, volume('data', perAlloc(2))])
    expect([...owners.values()].map(({ place: { file } }) => file)).toEqual(['a.yaml', 'data.yaml'])
    expect(refusals).toMatchObject([{ key: 'Volume/default/data[1]', reason: 'OwnedElsewhere' }])
  })

  it.each([1, 2, 5])('takes a count of %i for no other identity', (count) => {
    const before = recordsOf(volume('data', perAlloc(3)))
    const { owners, refusals, held } = own([volume('data', perAlloc(count))], before)
    expect(owners.size).toBe(count)
    expect(refusals).toEqual([])
    expect(held.size).toBe(0)
  })

  it('takes a lowered count for no other identity where only the upper ones were looked at yet', () => {
    const [, , third = volumeRecord(volume('none'))] = recordsOf(volume('data', perAlloc(3)))
    const { owners, held } = own([volume('data', perAlloc(2))], [third])
    expect(owners.size).toBe(2)
    expect(held.size).toBe(0)
  })

  it.each([
    ['is added to a volume', volume('data'), volume('data', perAlloc(2))],
    ['is taken from a volume', volume('data', perAlloc(2)), volume('data')],
    [
      'gets another volume ID',
      volume('data', perAlloc(2)),
      volume('data', { volumeID: 'x', ...perAlloc(3) }),
    ],
  ])('is refused where it %s: all that was there is held', (_what, before, after) => {
    const records = recordsOf(before)
    const { owners, refusals, held } = own([after], records)
    expect(owners.size).toBe(0)
    expect([...held.keys()]).toEqual(records.map(({ key }) => key))
    expect(refusals.map(({ reason }) => reason)).toEqual(expandPerAlloc(after).map(() => 'IdentityChanged'))
  })
})

describe('planScaledAway', () => {
  const before = volume('data', { deletionPolicy: 'Delete', ...perAlloc(3) })

  it.each(['Retain', 'Deregister', 'Delete'] as const)(
    'ends what a lowered count leaves out by whenScaled %s, as it is written now',
    (whenScaled) => {
      const after = volume('data', { deletionPolicy: 'Retain', ...perAlloc(1, whenScaled) })
      const { owners } = own([after], recordsOf(before))
      const absent = recordsOf(before).filter(({ key }) => !owners.has(key))
      const scaledAway = planScaledAway(absent, owners)
      expect([...scaledAway.keys()]).toEqual(['Volume/default/data[1]', 'Volume/default/data[2]'])
      for (const declaration of scaledAway.values()) {
        expect(declaration.spec.deletionPolicy).toBe(whenScaled)
        expect(declaration.instance).toMatchObject({ isScaledAway: true })
        expect(scaledAway.has(keyOf(declaration))).toBe(true)
      }
    },
  )

  it('says nothing of the end of the whole declaration, which follows deletionPolicy', () => {
    expect(planScaledAway(recordsOf(before), new Map()).size).toBe(0)
  })

  it('leaves an end that has begun as it began', () => {
    const begun = recordsOf(before).map((record) => ({
      ...record,
      end: { phase: 'deregister' as const, tombstoneID: 't' },
    }))
    const { owners } = own([volume('data', perAlloc(1, 'Retain'))], begun)
    const scaledAway = planScaledAway(begun.slice(1), owners)
    expect([...scaledAway.values()].map(({ spec }) => spec.deletionPolicy)).toEqual(['Delete', 'Delete'])
  })
})

describe('findReleased', () => {
  const [instance] = expandPerAlloc(volume('data', perAlloc(1))) as VolumeDeclaration[]
  const left = (
    externalID: string,
    reason: string,
    atMs: number,
    key = 'Volume/default/data[0]',
  ): Released => ({
    key,
    pluginID: 'directories',
    externalID,
    reason,
    atMs,
  })

  it.each([
    ['what was retained', [left('a', 'Retained', 1)], 'a'],
    ['what was deregistered', [left('a', 'Deregistered', 1)], 'a'],
    ['the latest of several', [left('b', 'Retained', 2), left('a', 'Retained', 1)], 'b'],
    ['nothing that was deleted since', [left('a', 'Deleted', 1)], undefined],
    ['nothing that a person gave up', [left('a', 'Vanished', 1)], undefined],
    ['nothing of another identity', [left('a', 'Retained', 1, 'Volume/default/data[1]')], undefined],
  ])('takes back %s', (_what, released, externalID) => {
    expect(instance && findReleased(instance, keyOf(instance), released)?.externalID).toBe(externalID)
  })

  it('takes back what a plain volume let go, but for one that names another external volume', () => {
    const released = [left('a', 'Deregistered', 1, 'Volume/default/data')]
    expect(findReleased(volume('data'), 'Volume/default/data', released)?.externalID).toBe('a')
    const named = volume('data', { externalID: 'b' })
    expect(findReleased(named, 'Volume/default/data', released)).toBeUndefined()
  })
})

describe('presentWholes', () => {
  const declared = expandPerAlloc(volume('data', perAlloc(2))) as VolumeDeclaration[]
  const recordFor = (declaration: VolumeDeclaration, state: 'ready' | 'stalled') =>
    volumeRecord(declaration, {
      status: {
        externalID: `ext-${declaration.name}`,
        conditions: conditionsOf(
          { state, reason: state === 'ready' ? 'AsDeclared' : 'Refused', message: 'as it is' } as Verdict,
          [],
          1,
        ),
      },
    })

  it('shows a row for each instance, and the condition of the one that is furthest from ready', () => {
    const records = new Map(
      declared.map((each, index) => [keyOf(each), recordFor(each, index === 1 ? 'stalled' : 'ready')]),
    )
    const [whole, ...others] = presentWholes(new Map(declared.map((each) => [keyOf(each), each])), (key) =>
      records.get(key),
    )
    expect(others).toEqual([])
    expect(whole?.declaration.name).toBe('data')
    expect(whole?.instances).toEqual([
      {
        volumeID: 'data[0]',
        externalID: 'ext-data[0]',
        ready: 'True',
        reason: 'AsDeclared',
        message: 'as it is',
      },
      {
        volumeID: 'data[1]',
        externalID: 'ext-data[1]',
        ready: 'False',
        reason: 'Refused',
        message: 'as it is',
      },
    ])
    expect(whole?.conditions.map(({ type, status, message }) => [type, status, message])).toEqual([
      ['Ready', 'False', 'data[1]: as it is'],
      ['Reconciling', 'False', '2 of 2 volumes have been checked'],
      ['Stalled', 'True', 'data[1]: as it is'],
    ])
  })
})

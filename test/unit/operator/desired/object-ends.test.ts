import { describe, expect, it } from 'vitest'
import type { Reading } from '../../../../src/operator/desired/absence.ts'
import type { Doubt } from '../../../../src/operator/desired/evidence.ts'
import type { OrderedEnd } from '../../../../src/operator/desired/object-ends.ts'
import { planAbsences } from '../../../../src/operator/desired/prune.ts'
import { schedule, volume } from '../../../builders/declarations.ts'
import { doubt, evidence, reading as readingOf } from '../../../builders/evidence.ts'
import { objectPlace } from '../../../builders/objects.ts'
import { volumeRecord } from '../../../builders/records.ts'

const deletedAt = '2026-11-29T10:00:00Z'

const objects = (doubts: readonly Doubt[] = []) =>
  new Map([['kubernetes', evidence([], { doubts, listing: { type: 'objects' } })]])
const reading: Reading = readingOf([], 1000, { sources: objects() })
const options = { prune: false, pruneDelayMs: 60_000, allowEmpty: false }
const placeOf = (name: string) => objectPlace(`Volume team-a/${name}`, `uid-of-${name}`)
const declared = (
  name: string,
  deletionPolicy: 'Retain' | 'Deregister' | 'Delete' = 'Delete',
  suspend = false,
) => volume(name, { deletionPolicy, suspend }, placeOf(name))
const ordered = (name: string, change: Partial<OrderedEnd> = {}): OrderedEnd => ({
  place: placeOf(name),
  declaration: declared(name),
  deletedAt,
  isReleased: false,
  ageMs: 10_000,
  ...change,
})

function endOf(change: Partial<OrderedEnd> = {}, given: Partial<Reading> = {}) {
  const record = volumeRecord(declared('data'))
  const ends = new Map([[record.key, ordered('data', change)]])
  return planAbsences([record], 20, { ...reading, ...given }, options, { ends }).get(record.key)
}

describe('the end of what an object declared', () => {
  it('waits for no delay and needs no --prune, and its policy is the one that the object has now', () => {
    expect(endOf({ declaration: declared('data', 'Deregister') })).toEqual({
      state: 'ending',
      declaration: declared('data', 'Deregister'),
    })
  })

  it('is the order of a person: a doubt about the objects does not hold it', () => {
    expect(endOf({}, { sources: objects([doubt('', undefined, 'kubernetes')]) })?.state).toBe('ending')
  })

  it.each([
    ['its namespace is going', { goesWith: 'namespace "team-a"' }, 'DeleteUnconfirmed'],
    ['what it says cannot be used', { declaration: undefined }, 'Invalid'],
  ])('is held where %s, and says how to go on', (_title, change, reason) => {
    const { declaration, ...rest } = ordered('data', change as Partial<OrderedEnd>)
    const end = declaration === undefined ? rest : { ...rest, declaration }
    const record = volumeRecord(declared('data'))
    const held = planAbsences([record], 20, reading, options, {
      ends: new Map([[record.key, end]]),
    }).get(record.key)
    expect(held).toMatchObject({ state: 'held', reason })
    expect(held?.state === 'held' && held.message).toContain('mooring.dev/release=retain')
  })

  it('goes on with its namespace where it is confirmed', () => {
    expect(endOf({ goesWith: 'namespace "team-a"', confirmation: deletedAt })?.state).toBe('ending')
  })

  it.each(['true', '2026-11-29T09:59:59Z', '2099-01-01T00:00:00Z', ''])(
    'is not confirmed by "%s", which may have stood in a manifest for long',
    (confirmation) => {
      const held = endOf({ goesWith: 'namespace "team-a"', confirmation })
      expect(held).toMatchObject({ state: 'held', reason: 'DeleteUnconfirmed' })
      const message = held?.state === 'held' && held.message
      expect(message).toContain(`mooring.dev/confirm-delete=${confirmation} does not confirm this deletion`)
      expect(message).toContain(`nnotate the object mooring.dev/confirm-delete=${deletedAt}.`)
    },
  )

  it('goes on with its namespace where nothing is lost by it', () => {
    const suspended = declared('data', 'Delete', true)
    expect(endOf({ goesWith: 'namespace "team-a"', declaration: suspended })?.state).toBe('ending')
  })

  it('leaves everything as it is where it is released, even if it has begun', () => {
    const record = volumeRecord(declared('data'), { end: { phase: 'delete', tombstoneID: 't' } })
    const ends = new Map([[record.key, ordered('data', { isReleased: true })]])
    const end = planAbsences([record], 20, reading, options, { ends }).get(record.key)
    expect(end).toMatchObject({ state: 'ending', declaration: { spec: { deletionPolicy: 'Retain' } } })
  })

  it('waits until no other has followed, to count them', () => {
    expect(endOf({ ageMs: 100 })).toMatchObject({ state: 'held', reason: 'CountingEnds', untilMs: 1900 })
    expect(endOf({ ageMs: 100, confirmation: deletedAt })?.state).toBe('ending')
    expect(endOf({ ageMs: 100, declaration: declared('data', 'Retain') })?.state).toBe('ending')
  })

  it('is held beyond --max-prune, and what is confirmed neither counts nor waits', () => {
    const records = ['a', 'b', 'c', 'd'].map((name) => volumeRecord(declared(name)))
    const states = (confirmed: readonly string[]) => {
      const ends = new Map(
        records.map((record) => [
          record.key,
          ordered(
            record.declaration.name,
            confirmed.includes(record.declaration.name) ? { confirmation: deletedAt } : {},
          ),
        ]),
      )
      return [...planAbsences(records, 4, reading, { ...options, maxPrune: 2 }, { ends }).values()].map(
        (absence) => (absence.state === 'held' ? absence.reason : absence.state),
      )
    }
    expect(states([])).toEqual(['TooManyEnds', 'TooManyEnds', 'TooManyEnds', 'TooManyEnds'])
    expect(states(['a'])).toEqual(['ending', 'TooManyEnds', 'TooManyEnds', 'TooManyEnds'])
    expect(states(['a', 'b'])).toEqual(['ending', 'ending', 'ending', 'ending'])
  })
})

describe('an object that is gone', () => {
  const gone = (given: Partial<Reading> = {}) => {
    const record = volumeRecord(declared('data'))
    return planAbsences([record], 20, { ...reading, ...given }, options).get(record.key)
  }

  it('is released, whatever its policy was: its finalizer would have kept it', () => {
    expect(gone()).toMatchObject({ state: 'ending', declaration: { spec: { deletionPolicy: 'Retain' } } })
  })

  it.each([
    [
      'the objects are not all known',
      { sources: objects([doubt('', undefined, 'kubernetes')]) },
      'SourceUnclear',
    ],
    ['Kubernetes is no source now', { sources: new Map() }, 'SourceUnclear'],
    ['it is there and cannot be used', { unusable: new Set(['Volume team-a/data']) }, 'Invalid'],
  ])('is held where %s', (_title, given, reason) => {
    expect(gone(given)).toMatchObject({ state: 'held', reason })
  })

  it('goes with its policy-less kind too', () => {
    const declaration = { ...schedule('nightly', ['data']), place: placeOf('nightly') }
    const record = {
      kind: 'SnapshotSchedule',
      key: 'SnapshotSchedule/default/nightly',
      declaration,
      csiName: '',
      incarnation: 0,
      sinceMs: 0,
      ticks: {},
      status: { conditions: [] },
    } as const
    expect(planAbsences([record], 1, reading, options).get(record.key)?.state).toBe('ending')
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Reading } from '../../../../src/operator/desired/absence.ts'
import { type PruneOptions, planAbsences } from '../../../../src/operator/desired/prune.ts'
import { volume } from '../../../builders/declarations.ts'
import { volumeRecord } from '../../../builders/records.ts'

const reading: Reading = { atMs: 100_000, complete: true, count: 5, sources: new Set(['declarations']) }
const options: PruneOptions = { prune: true, pruneDelayMs: 10_000, allowEmpty: false }
const gone = (name: string, missingSinceMs?: number, deletionPolicy: 'Retain' | 'Delete' = 'Delete') =>
  volumeRecord(volume(name, { deletionPolicy }), missingSinceMs === undefined ? {} : { missingSinceMs })

function absenceOf(record: ReturnType<typeof gone>, change: Partial<Reading & PruneOptions> = {}) {
  return planAbsences([record], 20, { ...reading, ...change }, { ...options, ...change }).get(record.key)
}

describe('planAbsences', () => {
  it('starts the delay at the first complete reading that lacks the declaration', () => {
    expect(absenceOf(gone('a'))).toEqual({ state: 'missing', sinceMs: 100_000, untilMs: 110_000 })
  })

  it('asks for a second reading even without a delay', () => {
    expect(absenceOf(gone('a'), { pruneDelayMs: 0 })).toMatchObject({ state: 'missing' })
  })

  it.each([
    ['waits on before the delay is over', 95_000, 'missing'],
    ['ends at a complete reading after the delay', 90_000, 'ending'],
  ])('%s', (_title, since, state) => {
    expect(absenceOf(gone('a', since))?.state).toBe(state)
  })

  it.each([
    ['prune is off', { prune: false }, 'PruneDisabled'],
    ['a source could not be read whole', { complete: false }, 'SourceIncomplete'],
    ['the sources are empty', { count: 0 }, 'SourceEmpty'],
    ['its own source is not read', { sources: new Set(['another']) }, 'SourceNotRead'],
    ['more are gone than may end at once', { maxPrune: 0 }, 'TooManyEnds'],
  ])('holds what was long gone when %s', (_title, change, reason) => {
    expect(absenceOf(gone('a', 1), change)).toMatchObject({ state: 'held', reason })
  })

  it('forgets that it was gone when the reading could not be trusted', () => {
    expect(absenceOf(gone('a', 1), { complete: false })).not.toHaveProperty('sinceMs')
    expect(absenceOf(gone('a', 1), { count: 0 })).not.toHaveProperty('sinceMs')
  })

  it('ends the last declaration on purpose with --allow-empty', () => {
    expect(absenceOf(gone('a', 1), { count: 0, allowEmpty: true })).toEqual({ state: 'ending' })
  })

  it('goes on with an end that has begun, whatever the reading says', () => {
    const record = { ...gone('a'), end: { phase: 'deregister', tombstoneID: 't' } } as const
    expect(absenceOf(record, { complete: false, prune: false })).toEqual({ state: 'ending' })
  })

  it('lets by default one of a few end, and ten of a hundred', () => {
    const many = Array.from({ length: 11 }, (_, index) => gone(`v${index}`, 1))
    const states = (count: number, managed: number) =>
      [...planAbsences(many.slice(0, count), managed, reading, options).values()].map(({ state }) => state)
    expect(states(1, 3)).toEqual(['ending'])
    expect(states(2, 3)).toEqual(['held', 'held'])
    expect(new Set(states(10, 100))).toEqual(new Set(['ending']))
    expect(new Set(states(11, 100))).toEqual(new Set(['held']))
  })

  it('releases any number of retained ones, for they destroy nothing', () => {
    const many = Array.from({ length: 9 }, (_, index) => gone(`v${index}`, 1, 'Retain'))
    expect(
      [...planAbsences(many, 10, reading, options).values()].every(({ state }) => state === 'ending'),
    ).toBe(true)
  })

  it('ends nothing in any reading that is incomplete, empty or without prune', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ since: fc.option(fc.nat(), { nil: undefined }), keeps: fc.boolean() }), {
          maxLength: 8,
        }),
        fc.record({ complete: fc.boolean(), count: fc.nat({ max: 2 }), prune: fc.boolean() }),
        (rows, facts) => {
          fc.pre(!facts.complete || facts.count === 0 || !facts.prune)
          const records = rows.map(({ since, keeps }, index) =>
            gone(`v${index}`, since, keeps ? 'Retain' : 'Delete'),
          )
          const absences = planAbsences(records, 8, { ...reading, ...facts }, { ...options, ...facts })
          expect([...absences.values()].map(({ state }) => state)).not.toContain('ending')
        },
      ),
    )
  })
})

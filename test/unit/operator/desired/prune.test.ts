import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { VolumeDeclaration } from '../../../../src/operator/declare/declaration.ts'
import type { Reading } from '../../../../src/operator/desired/absence.ts'
import { type PruneOptions, planAbsences } from '../../../../src/operator/desired/prune.ts'
import { expandPerAlloc } from '../../../../src/operator/plan/per-alloc.ts'
import type { Missing } from '../../../../src/operator/plan/record.ts'
import { conditionsOf } from '../../../../src/operator/plan/status.ts'
import { volume } from '../../../builders/declarations.ts'
import { reading as readingOf } from '../../../builders/evidence.ts'
import { volumeRecord } from '../../../builders/records.ts'

const reading: Reading = readingOf([], 100_000, { count: 5 })
const options: PruneOptions = { prune: true, pruneDelayMs: 10_000, allowEmpty: false }
const gone = (name: string, elapsedMs?: number, deletionPolicy: 'Retain' | 'Delete' = 'Delete') =>
  volumeRecord(
    volume(name, { deletionPolicy }),
    elapsedMs === undefined ? {} : { missing: { sinceMs: 1, isSeen: true, elapsedMs } },
  )
const doubt = { what: 'a.yaml is empty', remedy: 'Put it back.' }

function absenceOf(record: ReturnType<typeof gone>, change: Partial<Reading & PruneOptions> = {}) {
  return planAbsences([record], 20, { ...reading, ...change }, { ...options, ...change }).get(record.key)
}

describe('planAbsences', () => {
  it('starts the delay at the first reading that saw the declaration removed', () => {
    expect(absenceOf(gone('a'))).toEqual({ state: 'missing', untilMs: 110_000 })
  })

  it('asks for a second reading even without a delay', () => {
    expect(absenceOf(gone('a'), { pruneDelayMs: 0 })).toMatchObject({ state: 'missing' })
  })

  it.each([
    ['waits on before the delay is over', 9_999, 'missing'],
    ['ends at a reading after the delay', 10_000, 'ending'],
  ])('%s', (_title, elapsedMs, state) => {
    expect(absenceOf(gone('a', elapsedMs))?.state).toBe(state)
  })

  it('counts no time by dates', () => {
    expect(absenceOf(gone('a', 0), { atMs: 1e15 })).toMatchObject({ state: 'missing' })
  })

  it.each([
    ['prune is off', { prune: false }, 'PruneDisabled'],
    ['the sources are empty', { count: 0 }, 'SourceEmpty'],
    ['more are gone than may end at once', { maxPrune: 0 }, 'TooManyEnds'],
  ])('holds what was long gone when %s', (_title, change, reason) => {
    expect(absenceOf(gone('a', 1e9), change)).toMatchObject({ state: 'held', reason })
  })

  it.each([
    ['its removal is in doubt', {}, 'SourceUnclear'],
    ['its own source is not read', { sources: new Map() }, 'SourceNotRead'],
  ])('holds what was long gone when %s, and says what is there and what to do', (_title, change, reason) => {
    const record = gone('a', 1e9)
    const known = { unclear: new Map([[record.key, doubt]]) }
    const absence = planAbsences([record], 20, { ...reading, ...change }, options, known).get(record.key)
    expect(absence).toMatchObject({ state: 'held', reason })
    for (const part of [
      'declarations/a.yaml:1:1',
      doubt.what,
      doubt.remedy,
      'mooring confirm-removal volume default/a',
    ])
      expect(absence).toHaveProperty('message', expect.stringContaining(part))
  })

  it('counts a declaration with perAlloc once, as its object in Kubernetes', () => {
    const many = (name: string, count: number) =>
      expandPerAlloc(
        volume(name, { deletionPolicy: 'Delete', perAlloc: { count, whenScaled: 'Delete' } }),
      ).map((each) =>
        volumeRecord(each as VolumeDeclaration, { missing: { sinceMs: 1, isSeen: true, elapsedMs: 1e9 } }),
      )
    const statesOf = (records: ReturnType<typeof many>) =>
      new Set([...planAbsences(records, 9, reading, options).values()].map(({ state }) => state))
    expect(statesOf(many('set', 3))).toEqual(new Set(['ending']))
    expect(statesOf([...many('set', 3), ...many('other', 1)])).toEqual(new Set(['held']))
  })

  it('ends what is confirmed beyond the limits, and says how to confirm the rest', () => {
    const [a, b, c] = [gone('a', 1e9), gone('b', 1e9), gone('c', 1e9)]
    const confirm = (...records: (typeof a)[]) =>
      [
        ...planAbsences([a, b, c], 9, { ...reading, count: 0 }, options, {
          confirmed: new Set(records.map(({ key }) => key)),
        }).values(),
      ].map((absence) => (absence.state === 'held' ? absence.reason : absence.state))
    expect(confirm()).toEqual(['SourceEmpty', 'SourceEmpty', 'SourceEmpty'])
    expect(confirm(a, b, c)).toEqual(['ending', 'ending', 'ending'])
    const some = planAbsences([a, b, c], 9, reading, options, { confirmed: new Set([a.key]) })
    expect(some.get(a.key)).toEqual({ state: 'ending' })
    expect(some.get(b.key)).toMatchObject({
      reason: 'TooManyEnds',
      message: expect.stringContaining('2 declarations were removed at once'),
    })
    expect(some.get(b.key)).toHaveProperty(
      'message',
      expect.stringContaining('mooring confirm-removal volume default/b'),
    )
    // What was held for the many stays so, also where the others have ended.
    const conditions = conditionsOf({ state: 'suspended', reason: 'TooManyEnds', message: '' }, [], 0)
    const left = { ...b, status: { conditions } }
    expect(planAbsences([left], 9, reading, options).get(b.key)).toMatchObject({ reason: 'TooManyEnds' })
    expect(planAbsences([left], 9, reading, options, { confirmed: new Set([b.key]) }).get(b.key)).toEqual({
      state: 'ending',
    })
  })

  it('counts what is in doubt towards no limit', () => {
    const [a, b] = [gone('a', 1e9), gone('b', 1e9)]
    const known = { unclear: new Map([[a.key, doubt]]) }
    const absences = planAbsences([a, b], 2, reading, { ...options, maxPrune: 1 }, known)
    expect([...absences.values()].map(({ state }) => state)).toEqual(['held', 'ending'])
  })

  it('ends the last declaration on purpose with --allow-empty, or by a person’s word', () => {
    const record = gone('a', 1e9)
    expect(absenceOf(record, { count: 0, allowEmpty: true })).toEqual({ state: 'ending' })
    const known = { confirmed: new Set([record.key]) }
    expect(planAbsences([record], 20, { ...reading, count: 0 }, options, known).get(record.key)).toEqual({
      state: 'ending',
    })
  })

  it('goes on with an end that has begun, whatever the reading says', () => {
    const record = { ...gone('a'), end: { phase: 'deregister', tombstoneID: 't' } } as const
    expect(absenceOf(record, { sources: new Map(), prune: false })).toEqual({ state: 'ending' })
  })

  it('lets by default one of a few end, and ten of a hundred', () => {
    const many = Array.from({ length: 11 }, (_, index) => gone(`v${index}`, 1e9))
    const states = (count: number, managed: number) =>
      [...planAbsences(many.slice(0, count), managed, reading, options).values()].map(({ state }) => state)
    expect(states(1, 3)).toEqual(['ending'])
    expect(states(2, 3)).toEqual(['held', 'held'])
    expect(new Set(states(10, 100))).toEqual(new Set(['ending']))
    expect(new Set(states(11, 100))).toEqual(new Set(['held']))
  })

  it('releases any number of retained ones, for they destroy nothing', () => {
    const many = Array.from({ length: 9 }, (_, index) => gone(`v${index}`, 1e9, 'Retain'))
    expect(
      [...planAbsences(many, 10, reading, options).values()].every(({ state }) => state === 'ending'),
    ).toBe(true)
  })

  it('ends nothing that is in doubt, empty, without prune, or not counted by this or an earlier process', () => {
    const absence = fc.record({
      missing: fc.option(
        fc.record<Missing>({ sinceMs: fc.nat(), isSeen: fc.boolean(), elapsedMs: fc.nat({ max: 20_000 }) }),
        { nil: undefined },
      ),
      isUnclear: fc.boolean(),
      keeps: fc.boolean(),
    })
    fc.assert(
      fc.property(
        fc.array(absence, { maxLength: 8 }),
        fc.record({ count: fc.nat({ max: 2 }), prune: fc.boolean() }),
        (rows, facts) => {
          const records = rows.map(({ missing, keeps }, index) => ({
            ...gone(`v${index}`, undefined, keeps ? 'Retain' : 'Delete'),
            ...(missing === undefined ? {} : { missing }),
          }))
          const unclear = new Map(
            rows.flatMap(({ isUnclear }, index) =>
              isUnclear ? [[records[index]?.key ?? '', doubt] as const] : [],
            ),
          )
          const absences = planAbsences(
            records,
            8,
            { ...reading, ...facts },
            { ...options, ...facts },
            { unclear },
          )
          for (const { key, missing } of records) {
            if (absences.get(key)?.state !== 'ending') continue
            expect(facts.count > 0 && facts.prune && !unclear.has(key)).toBe(true)
            expect(missing?.isSeen && missing.elapsedMs >= options.pruneDelayMs).toBe(true)
          }
        },
      ),
    )
  })
})

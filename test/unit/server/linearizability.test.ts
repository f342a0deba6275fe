import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findViolation, type Operation } from '../../linearizability/find-violation.ts'
import { type VolumeInput, type VolumeOutput, volumeModel } from '../../linearizability/volume-model.ts'

type VolumeOperation = Operation<VolumeInput, VolumeOutput>

/** One after another; `at` gives others their times. */
const history = (
  ...operations: readonly [VolumeInput, VolumeOutput | undefined, at?: readonly [number, number]][]
): VolumeOperation[] =>
  operations.map(([input, output, at = [0, 0]], place) => ({
    input,
    output,
    calledAt: at[0] || place * 10,
    returnedAt: at[1] || (output === undefined ? Number.POSITIVE_INFINITY : place * 10 + 5),
  }))
const register = (value: string): VolumeInput => ({ type: 'register', value })
const read: VolumeInput = { type: 'read' }
const claim: VolumeInput = { type: 'claim' }
const done = { status: 200 }
const saw = (value: string, claim?: string): VolumeOutput => ({ status: 200, seen: { value, claim } })

describe('a history that one volume could have made', () => {
  it.each<[string, VolumeOperation[]]>([
    ['without anything', []],
    ['one thing after another', history([register('a'), done], [read, saw('a')], [{ type: 'delete' }, done])],
    [
      'a read beside a write that sees either',
      history(
        [register('a'), done],
        [register('b'), done, [10, 100]],
        [read, saw('b'), [20, 30]],
        [read, saw('b')],
      ),
    ],
    ['a lost write that was done', history([register('a'), undefined], [read, saw('a')])],
    ['a lost write that was not', history([register('a'), undefined], [read, { status: 404 }])],
    [
      'a lost write that is done late',
      history([register('a'), undefined], [read, { status: 404 }], [read, saw('a')]),
    ],
    [
      'a lost claim that is seen, and undone by the restart',
      history(
        [register('a'), done],
        [claim, undefined],
        [read, saw('a', 'c')],
        [{ type: 'restart' }, done],
        [read, saw('a')],
      ),
    ],
  ])('is found to be one: %s', (_title, operations) => {
    expect(findViolation(volumeModel, operations)).toBeUndefined()
  })
})

describe('a violation is found', () => {
  it.each<[string, VolumeOperation[]]>([
    ['a read of what was replaced', history([register('a'), done], [register('b'), done], [read, saw('a')])],
    ['an acknowledged write that is lost', history([register('a'), done], [read, { status: 404 }])],
    [
      'two reads that see a write and then do not',
      history(
        [register('a'), done],
        [register('b'), done, [10, 100]],
        [read, saw('b'), [20, 30]],
        [read, saw('a'), [40, 50]],
      ),
    ],
    [
      'two writers at once',
      history(
        [register('a'), done],
        [claim, { status: 200, claim: 'c' }],
        [claim, { status: 200, claim: 'd' }],
      ),
    ],
    [
      'a delete under a claim',
      history([register('a'), done], [claim, { status: 200, claim: 'c' }], [{ type: 'delete' }, done]),
    ],
    [
      'an acknowledged claim that the restart undid',
      history(
        [register('a'), done],
        [claim, { status: 200, claim: 'c' }],
        [{ type: 'restart' }, done],
        [read, saw('a')],
      ),
    ],
    [
      'a lost write that undoes itself',
      history([register('a'), undefined], [read, saw('a')], [read, { status: 404 }]),
    ],
  ])('%s', (_title, operations) => {
    const violation = findViolation(volumeModel, operations)
    expect(violation?.explained.length).toBeLessThan(operations.length)
    expect(violation?.stuckAt.length).toBeGreaterThan(0)
  })

  it('wherever it is planted in a long history of many at once', () => {
    const runs = fc.record({
      length: fc.integer({ min: 20, max: 120 }),
      overlap: fc.integer({ min: 1, max: 40 }),
    })
    fc.assert(
      fc.property(runs, fc.nat(), ({ length, overlap }, place) => {
        // Each operation is done at the time of its place, and lasts around it.
        const operations = Array.from({ length }, (_, at): VolumeOperation => {
          const isWrite = at % 3 === 0
          return {
            input: isWrite ? register(`value ${at}`) : read,
            output: isWrite ? done : saw(`value ${at - (at % 3)}`),
            calledAt: at * 10 - (at % overlap),
            returnedAt: at * 10 + (at % overlap),
          }
        })
        expect(findViolation(volumeModel, operations)).toBeUndefined()
        const victim = place % length
        const planted = operations.map((operation, at) =>
          at === victim ? { ...operation, input: read, output: saw('never written') } : operation,
        )
        expect(findViolation(volumeModel, planted)).toBeDefined()
      }),
      { numRuns: 50 },
    )
  })
})

import { describe, expect, it } from 'vitest'
import { parseKindOrTarget, parseTarget } from '../../../src/cli/target.ts'

describe('a target', () => {
  it.each([
    ['an ID alone', ['data'], 'Volume/default/data'],
    ['an ID with its namespace', ['prod/data'], 'Volume/prod/data'],
    ['a kind and an ID', ['volume', 'data'], 'Volume/default/data'],
    ['a kind, however it is spelled', ['Schedules', 'prod/nightly'], 'SnapshotSchedule/prod/nightly'],
    ['a key as messages print it', ['Volume/prod/set[2]'], 'Volume/prod/set[2]'],
    ['a volume whose ID is a kind', ['volume', 'volume'], 'Volume/default/volume'],
  ])('may be %s', (_title, words, key) => {
    expect(parseTarget(words, 'default', 'Volume')).toBe(key)
  })

  it('is of the kind that the command is about, where none is given', () => {
    expect(parseTarget(['nightly'], 'default', 'SnapshotSchedule')).toBe('SnapshotSchedule/default/nightly')
  })

  it.each([
    ['a kind that there is not', ['disk', 'data'], /"disk" is not a kind: write volume/],
    ['a kind without a name', ['volume'], /"volume" is a kind, and the name is missing/],
    ['several names', ['volume', 'data', 'other'], /is more than one target/],
    ['a key of no kind', ['disk/default/data'], /"disk" is not a kind/],
  ])('is refused as %s', (_title, words, expected) => {
    expect(() => parseTarget(words, 'default', 'Volume')).toThrow(expected)
  })

  it.each([
    ['volumes', ['volumes'], { kind: 'Volume' }],
    ['one of them', ['volumes', 'data'], { kind: 'Volume', key: 'Volume/default/data' }],
    ['a key', ['Snapshot/prod/before'], { kind: 'Snapshot', key: 'Snapshot/prod/before' }],
  ])('of mooring get may be %s', (_title, words, expected) => {
    expect(parseKindOrTarget(words, 'default')).toEqual(expected)
  })
})

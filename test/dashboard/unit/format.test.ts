import { describe, expect, it } from 'vitest'
import { createFixture } from '../../../dashboard/fixture/fixture.ts'
import { addressOf, formatSize, queryOf, stepInWords } from '../../../dashboard/src/data/format.ts'
import { formatDuration, formatRelative } from '../../../dashboard/src/parts/durations.ts'

describe('what the page writes', () => {
  it.each([
    [undefined, ''],
    [0, '0'],
    [1024, '1Ki'],
    [1.5 * 2 ** 30, '1.5Gi'],
    [10 * 2 ** 30, '10Gi'],
    [2 ** 60, '1024Pi'],
  ])('writes %s bytes as %s', (bytes, text) => {
    expect(formatSize(bytes)).toBe(text)
  })

  it.each([
    [40, '40 ms'],
    [4_000, '4.0 s'],
    [59_000, '59 s'],
    [75 * 60_000, '1 h 15 min'],
    [30 * 3_600_000, '1 d 6 h'],
    [24 * 3_600_000, '1 d'],
  ])('writes %s ms as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text)
  })

  it.each([
    [-500, 'just now'],
    [-5 * 60_000, '5 minutes ago'],
    [3 * 3_600_000, 'in 3 hours'],
    [-24 * 3_600_000, 'yesterday'],
    [-40 * 24 * 3_600_000, '40 days ago'],
    [20_000, 'in a moment'],
  ])('writes a time that is %s ms from now as %s', (distance, text) => {
    expect(formatRelative(1e12 + distance, 1e12)).toBe(text)
  })

  it('gives every declaration an address of its own, whatever its name', () => {
    const object = { key: '', kind: 'Volume', namespace: 'a b', name: 'x?#é', cluster: 'eu' } as const
    const address = new URL(addressOf(object), 'http://localhost')
    expect(address.pathname.split('/').map(decodeURIComponent)).toEqual([
      '',
      'objects',
      'Volume',
      'a b',
      'x?#é',
    ])
    expect(address.searchParams.get('cluster')).toBe('eu')
  })

  it('leaves out of an address what is not set', () => {
    expect(queryOf({ text: '', page: undefined, state: 'Stalled', descending: false })).toBe('?state=Stalled')
    expect(queryOf({})).toBe('')
  })

  it('writes steps and orders as words', () => {
    expect(stepInWords('create-volume')).toBe('create volume')
    expect(stepInWords('takeSnapshots')).toBe('take snapshots')
  })
})

describe('the fixture', () => {
  it('is the same each time, and answers for so many declarations', () => {
    const read = () =>
      createFixture({ declarations: 500, now: () => 1e12 }).answer(
        'GET',
        new URL('http://localhost/api/objects?size=500'),
        undefined,
      )
    expect(read()).toEqual(read())
    expect(read().body).toMatchObject({ all: 500, total: 500 })
  })
})

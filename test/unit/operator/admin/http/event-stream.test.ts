import { describe, expect, it } from 'vitest'
import { createEventStreams } from '../../../../../src/operator/admin/http/event-stream.ts'
import type { Pages } from '../../../../../src/operator/admin/pages/pages.ts'
import { adjustableClock } from '../../../../helpers/adjustable-clock.ts'

type Listener = Parameters<Pages['onChange']>[0]

function streams() {
  const clock = adjustableClock()
  let tell: Listener = () => {}
  const opened = createEventStreams({
    pages: {
      onChange(listener) {
        tell = listener
        return () => {}
      },
      refresh: () => {},
      told: () => {},
    },
    epoch: 'e',
    clock,
  })
  /** A reader that takes everything, until it is told to be slow or is no longer allowed. */
  const reader = (lastEventID?: string) => {
    const seen: string[] = []
    const state = { seen, isSlow: false, isAllowed: true, isClosed: false }
    const end = opened.open(
      {
        write(text) {
          seen.push(text)
          return !state.isSlow
        },
        isAllowed: () => state.isAllowed,
        close: () => {
          state.isClosed = true
          end?.()
        },
      },
      lastEventID,
    )
    return state
  }
  const change = (key: string) => tell({ keys: [key], topics: ['objects'] })
  return { clock, opened, reader, change, tell: (of: Parameters<Listener>[0]) => tell(of) }
}

const dataOf = (text = '') => JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? '{}')

describe('the stream of events', () => {
  it('begins with the version, and tells many changes at once in one event', () => {
    const { clock, reader, change } = streams()
    const { seen } = reader()
    expect(dataOf(seen[0])).toEqual({ version: 'e.1', isReset: true })
    for (const key of ['Volume/default/a', 'Volume/default/b', 'Volume/default/a']) change(key)
    clock.advance(250)
    expect(seen).toHaveLength(2)
    expect(dataOf(seen[1])).toEqual({
      version: 'e.4',
      topics: ['objects'],
      keys: ['Volume/default/a', 'Volume/default/b'],
    })
    expect(seen[1]).toContain('id: e.4\n')
  })

  it('names no keys where they are many, or not known, and names the cluster of the others', () => {
    const { clock, reader, change, tell } = streams()
    const { seen } = reader()
    for (let index = 0; index <= 100; index += 1) change(`Volume/default/${index}`)
    clock.advance(250)
    expect(dataOf(seen[1])).not.toHaveProperty('keys')
    tell({ keys: undefined, topics: ['objects', 'sources'] })
    clock.advance(250)
    expect(dataOf(seen[2])).not.toHaveProperty('keys')
    tell({ keys: ['Volume/default/a'], topics: ['objects'], cluster: 'east' })
    clock.advance(250)
    expect(dataOf(seen[3]).keys).toEqual(['Volume/default/a@east'])
  })

  it('gives whoever comes back what it missed, and says where that is not known', () => {
    const { clock, reader, change } = streams()
    const first = reader()
    change('Volume/default/a')
    clock.advance(250)
    const last = dataOf(first.seen[1]).version
    change('Volume/default/b')
    clock.advance(250)
    const back = reader(last)
    expect(dataOf(back.seen[0])).toMatchObject({ isReset: false })
    expect(dataOf(back.seen[1]).keys).toEqual(['Volume/default/b'])
    for (const unknown of ['other.2', 'e.x', 'e.-7', '']) {
      expect(dataOf(reader(unknown).seen[0])).toMatchObject({ isReset: true })
    }
  })

  it('does nothing while nothing changes, but a comment every quarter of a minute', () => {
    const { clock, reader } = streams()
    const { seen } = reader()
    clock.advance(60_000)
    expect(seen.slice(1)).toEqual(Array.from({ length: 4 }, () => ': beat\n\n'))
  })

  it('ends what is too slow, and what may no longer read', () => {
    const { clock, reader, change } = streams()
    const [slow, revoked, well] = [reader(), reader(), reader()]
    slow.isSlow = true
    change('Volume/default/a')
    clock.advance(250)
    revoked.isAllowed = false
    clock.advance(15_000)
    expect([slow.isClosed, revoked.isClosed, well.isClosed]).toEqual([true, true, false])
    expect(revoked.seen.at(-1)).toContain('event: bye')
  })

  it('takes so many readers and no more', () => {
    const { opened } = streams()
    const sink = () => ({ write: () => true, isAllowed: () => true, close: () => {} })
    const taken = Array.from({ length: 501 }, () => opened.open(sink(), undefined) !== undefined)
    expect(taken.filter(Boolean)).toHaveLength(500)
  })
})

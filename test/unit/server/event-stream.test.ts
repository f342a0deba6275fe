import { describe, expect, it } from 'vitest'
import { type Access, createAccess, fullAccess } from '../../../src/server/acl/access.ts'
import { permissionDenied } from '../../../src/server/acl/acl.ts'
import { type Event, parseEventQuery } from '../../../src/server/events/event.ts'
import { createEventStream } from '../../../src/server/events/event-stream.ts'
import type { State } from '../../../src/server/state/state.ts'
import { adjustableClock } from '../../helpers/adjustable-clock.ts'

const event = (fields: Partial<Event> = {}): Event => ({
  topic: 'CSIVolume',
  type: 'CSIVolumeRegistered',
  key: 'data',
  filterKeys: ['data', 'the name', 'disk'],
  namespace: 'default',
  payload: () => '{"Volume":{}}',
  ...fields,
})

function createStream() {
  const clock = adjustableClock()
  let tell: Parameters<State['follow']>[0] = () => {}
  let events: readonly Event[] = []
  let settled: Promise<void> | undefined
  const stream = createEventStream(
    {
      follow(changed) {
        tell = changed
        return () => {}
      },
      settled: () => settled,
    },
    () => events,
    clock,
  )
  return {
    clock,
    write(index: number, ...written: Event[]) {
      events = written
      tell([], index)
    },
    settle: (promise: Promise<void>) => {
      settled = promise
    },
    read(query = '', access: Access = fullAccess, signal = new AbortController().signal) {
      const lines = stream.read(parseEventQuery(new URLSearchParams(query)), access, signal)
      return async () => (await lines.next()).value
    },
  }
}

const keysIn = (line: unknown) => (JSON.parse(String(line)).Events as { Key: string }[]).map(({ Key }) => Key)

describe('a reader of events', () => {
  it('begins with a heartbeat, then has a line for each write as Nomad writes it', async () => {
    const { read, write } = createStream()
    const next = read()
    write(7, event(), event({ key: 'other' }))
    expect(await next()).toBe('{}\n')
    const line = String(await next())
    expect(line.endsWith('}\n')).toBe(true)
    expect(JSON.parse(line)).toEqual({
      Index: 7,
      Events: ['data', 'other'].map((Key) => ({
        Topic: 'CSIVolume',
        Type: 'CSIVolumeRegistered',
        Key,
        Namespace: 'default',
        FilterKeys: ['data', 'the name', 'disk'],
        Index: 7,
        Payload: { Volume: {} },
      })),
    })
  })

  it('has a heartbeat for each half minute of silence', async () => {
    const { read, clock } = createStream()
    const next = read()
    await next()
    for (let beat = 0; beat < 2; beat++) {
      const line = next()
      clock.advance(29_999)
      clock.advance(1)
      expect(await line).toBe('{}\n')
    }
  })

  it.each([
    ['', ['v', 'p', 'n', 'a']],
    ['topic=*', ['v', 'p', 'n', 'a']],
    ['topic=CSIVolume', ['v']],
    ['topic=CSIVolume:*&topic=Node', ['v', 'n']],
    ['topic=CSIVolume:the%20name', ['v']],
    ['topic=CSIVolume:disk&topic=CSIPlugin:none&topic=Allocation', ['v', 'a']],
    ['topic=*:p', ['p']],
    ['namespace=other&topic=*', ['p', 'n']],
    ['namespace=*&topic=Job&topic=Node', ['n']],
  ])('who asks for "%s" has what that names', async (query, keys) => {
    const { read, write } = createStream()
    write(
      2,
      event({ key: 'v', filterKeys: ['v', 'the name', 'disk'] }),
      event({ topic: 'CSIPlugin', key: 'p', namespace: '', filterKeys: [] }),
      event({ topic: 'Node', key: 'n', namespace: '', filterKeys: [] }),
      event({ topic: 'Allocation', key: 'a', filterKeys: ['v'] }),
    )
    const next = read(query)
    await next()
    expect(keysIn(await next())).toEqual(keys)
  })

  it('who gives an index begins there, or at the next one that is still kept; without one at the first', async () => {
    const { read, write } = createStream()
    for (let index = 1; index <= 150; index++) write(index, event({ key: `at ${index}` }))
    for (const [query, first] of [
      ['index=120', 'at 120'],
      ['index=3', 'at 51'],
      ['', 'at 51'],
    ] as const) {
      const next = read(query)
      await next()
      expect(keysIn(await next())).toEqual([first])
    }
    const later = read('index=1000')
    await later()
    write(1000, event({ key: 'at last' }))
    expect(keysIn(await later())).toEqual(['at last'])
  })

  it('who is further behind than what is kept is told so, and the stream ends', async () => {
    const { read, write } = createStream()
    write(1, event())
    const next = read()
    await next()
    expect(keysIn(await next())).toEqual(['data'])
    for (let index = 2; index < 110; index++) write(index, event())
    expect(await next()).toBe('subscription closed by server, client should resubscribe\n')
    expect(await next()).toBeUndefined()
  })

  it('sees no volume of a namespace that its token may not read', async () => {
    const { read, write } = createStream()
    const access = createAccess([{ namespace: { mine: { capabilities: ['csi-read-volume'] } } }])
    write(2, event({ key: 'theirs', namespace: 'theirs' }), event({ key: 'mine', namespace: 'mine' }))
    const next = read('topic=CSIVolume&namespace=*', access)
    await next()
    expect(keysIn(await next())).toEqual(['mine'])
  })

  it('whose token ends is told so, and the stream ends', async () => {
    const { read, write } = createStream()
    let isOver = false
    const access: Access = {
      ...fullAccess,
      isManagement() {
        if (isOver) throw permissionDenied()
        return true
      },
    }
    const next = read('', access)
    await next()
    isOver = true
    write(2, event({ payload: () => '{"Secret":1}' }))
    expect(await next()).toBe('Permission denied\n')
    expect(await next()).toBeUndefined()
  })

  it('learns of a write once it is on the disk', async () => {
    const { read, write, settle } = createStream()
    const disk = Promise.withResolvers<void>()
    const next = read()
    await next()
    settle(disk.promise)
    write(2, event())
    const line = next()
    expect(await Promise.race([line, new Promise((resolve) => setImmediate(resolve, 'nothing yet'))])).toBe(
      'nothing yet',
    )
    disk.resolve()
    expect(keysIn(await line)).toEqual(['data'])
  })

  it('ends when its client is gone or the server closes', async () => {
    const { read } = createStream()
    const gone = new AbortController()
    const next = read('', fullAccess, gone.signal)
    await next()
    const last = next()
    gone.abort()
    expect(await last).toBeUndefined()
  })
})

describe('what is asked for', () => {
  it.each([
    ['index=-1', /^Unable to parse index/],
    ['index=x', /^Unable to parse index/],
    ['topic=CSIVolume:a:b', /^Invalid topic query.*CSIVolume:a:b$/],
  ])('%s is refused in Nomad’s words', (query, text) => {
    expect(() => parseEventQuery(new URLSearchParams(query))).toThrow(text)
  })
})

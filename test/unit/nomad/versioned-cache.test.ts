import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createVersionedCache } from '../../../src/nomad/versioned-cache.ts'

type Element = { version: number }

/** A server with one element, whose answers are decided at one moment and arrive at another. */
function createWorld() {
  let place = 0
  /** What was there after each change; the index is the number of changes so far. */
  const history: (Element | undefined)[] = [undefined]
  const now = () => history.at(-1)
  let listed: Element | undefined
  let listedAt = 0
  const lists: (Element | undefined)[] = []
  const reads: {
    answer?: { element: Element | undefined }
    resolve: (element: Element | undefined) => void
  }[] = []
  let requests = 0
  let told = 0
  const cache = createVersionedCache<Element, Element>({
    watch: { current: async () => listedAt },
    stubOf: () => listed,
    agrees: (full, stub) => full.version === stub.version,
    onOutdated: () => {
      told += 1
    },
    sequence: () => ++place,
    read: () => {
      requests += 1
      return new Promise((resolve) => reads.push({ resolve }))
    },
  })
  return {
    cache,
    history,
    now,
    requests: () => requests,
    /** How often something was said to have changed. */
    told: () => told,
    /** Who writes looks again. */
    tell() {
      told += 1
    },
    change: (isThere: boolean) => history.push(isThere ? { version: history.length } : undefined),
    /** The server decides what the list in flight says. The next one is asked for when it has arrived. */
    decideList() {
      if (lists.length === 0) lists.push(now())
    },
    arriveList() {
      if (lists.length === 0) return
      const before = listed
      listed = lists.shift()
      listedAt = ++place
      const outdated = cache.outdatedBy(listedAt)
      if (before?.version !== listed?.version || outdated.length > 0) told += 1
    },
    decideRead(index: number) {
      const open = reads.filter((read) => read.answer === undefined)
      const read = open[index % Math.max(1, open.length)]
      if (read) read.answer = { element: now() }
    },
    arriveRead(index: number) {
      const decided = reads.filter((read) => read.answer !== undefined)
      const read = decided[index % Math.max(1, decided.length)]
      if (!read) return
      reads.splice(reads.indexOf(read), 1)
      read.resolve(read.answer?.element)
    },
    openReads: () => reads.length,
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

const step = fc.oneof(
  fc.record({ type: fc.constant('write' as const), isThere: fc.boolean() }),
  fc.record({ type: fc.constant('change' as const), isThere: fc.boolean() }),
  fc.record({ type: fc.constantFrom('decideList' as const, 'arriveList' as const, 'get' as const) }),
  fc.record({ type: fc.constant('decideRead' as const), index: fc.nat(10) }),
  fc.record({ type: fc.constant('arriveRead' as const), index: fc.nat(10) }),
)

describe('versioned cache', () => {
  it('shows every write after its invalidation, and tells of every other change, however answers overtake each other', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
        const world = createWorld()
        const { cache, history } = world
        world.decideList()
        world.arriveList()
        let floor = 0
        const checks: Promise<void>[] = []
        const seen: { version: number | undefined; told: number }[] = []
        const check = async (oldest: number) => {
          // What is told while a key is in process leads to one more pass over it.
          const told = world.told()
          const found = (await cache.get('key'))?.full
          seen.push({ version: found?.version, told })
          if (found) expect(found.version).toBeGreaterThanOrEqual(oldest)
          else expect(history.slice(oldest)).toContain(undefined)
        }
        for (const next of steps) {
          switch (next.type) {
            case 'get':
              checks.push(check(floor))
              break
            case 'decideList':
              world.decideList()
              break
            case 'arriveList':
              world.arriveList()
              break
            case 'decideRead':
              world.decideRead(next.index)
              break
            case 'arriveRead':
              world.arriveRead(next.index)
              break
            case 'change':
              world.change(next.isThere)
              break
            case 'write':
              world.change(next.isThere)
              cache.invalidate('key')
              world.tell()
              floor = history.length - 1
          }
          await turn()
        }
        const settle = async () => {
          while (world.openReads() > 0) {
            world.decideRead(0)
            world.arriveRead(0)
            await turn()
          }
        }
        await settle()
        await Promise.all(checks)

        // In the end the list and the copy agree, and nothing more is asked.
        world.arriveList()
        world.decideList()
        world.arriveList()
        for (const { version, told } of seen) {
          if (version !== world.now()?.version) expect(world.told()).toBeGreaterThan(told)
        }
        const last = cache.get('key')
        await turn()
        await settle()
        expect((await last)?.full).toEqual(world.now())
        const requests = world.requests()
        expect((await cache.get('key'))?.full).toEqual(world.now())
        expect(world.requests()).toBe(requests)

        // What is gone is forgotten once two more lists do not show it.
        for (let list = 0; list < 3; list += 1) {
          world.decideList()
          world.arriveList()
        }
        expect(cache.size()).toBeLessThanOrEqual(world.now() === undefined ? 0 : 1)
        expect((await cache.get('key'))?.full).toEqual(world.now())
        expect(world.requests()).toBe(requests)
      }),
      { numRuns: 500 },
    )
  })

  it('keeps what a later request brought when an earlier one is answered after it', async () => {
    const world = createWorld()
    world.change(true)
    world.decideList()
    world.arriveList()
    const earlier = world.cache.get('key')
    await turn()
    world.decideRead(0)
    world.change(true)
    world.cache.invalidate('key')
    const later = world.cache.get('key')
    await turn()
    world.decideRead(0)
    world.arriveRead(1)
    expect((await later)?.full.version).toBe(2)
    world.arriveRead(0)
    expect((await earlier)?.full.version).toBe(1)
    expect((await world.cache.get('key'))?.full.version).toBe(2)
    expect(world.requests()).toBe(2)
  })
})

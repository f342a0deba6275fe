import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../../src/lib/clock.ts'
import { OperationError } from '../../../src/lib/errors.ts'
import { silentLog } from '../../../src/lib/log.ts'
import { startListWatch } from '../../../src/nomad/list-watch.ts'
import type { Indexed, IndexedPage } from '../../../src/nomad/reads.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

type Server = (index: bigint, waitMs: number, signal: AbortSignal) => Promise<IndexedPage<string>>

const pollMs = 30_000
const noLeader = new OperationError('No cluster leader', { kind: 'transient', reason: 'NoLeader' })

type Pages = (token: string) => Promise<IndexedPage<string>>

function watch(server: Server, changes = 0, serverPage: Pages = () => Promise.reject(new Error('no page'))) {
  const beganMs = Date.now()
  const asked: { atMs: number; index: bigint }[] = []
  let place = 0
  const onList = vi.fn(() => changes)
  const onPage = vi.fn()
  const listWatch = startListWatch<string>({
    title: 'things',
    list: (query, signal, token) => {
      if (token !== '') return serverPage(token)
      const index = query?.index ?? 0n
      asked.push({ atMs: Date.now() - beganMs, index })
      return server(index, query?.waitMs ?? 0, signal)
    },
    onPage,
    onList,
    sequence: () => ++place,
    clock: systemClock,
    random: () => 0,
    log: silentLog,
    pollMs,
  })
  return { ...listWatch, asked, onList, onPage, times: () => asked.map(({ atMs }) => atMs) }
}

const list = (index: bigint): Indexed<string> => ({ items: ['a'], index })
/** Answers at the end of the wait, or rejects when it is cut. */
const blockFor = (waitMs: number, index: bigint, signal: AbortSignal) =>
  new Promise<Indexed<string>>((resolve, reject) => {
    const timer = setTimeout(() => resolve(list(index)), waitMs)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      reject(new Error('cut'))
    })
  })

describe('list watch', () => {
  it('is finished by a refresh between two pages, and then read once more', async () => {
    const page = Promise.withResolvers<IndexedPage<string>>()
    const watched = watch(
      (index, waitMs, signal) =>
        index === 0n
          ? Promise.resolve({ items: ['a'], index: 7n, nextToken: 'b' })
          : blockFor(waitMs, 7n, signal),
      0,
      () => page.promise,
    )
    await vi.advanceTimersByTimeAsync(0)
    watched.refresh()
    expect(watched.onList).not.toHaveBeenCalled()
    page.resolve({ items: ['b'], index: 8n })
    await watched.current()
    expect(watched.onPage.mock.calls).toEqual([
      [['a'], true],
      [['b'], false],
      [['a'], true],
      [['b'], false],
    ])
    expect(watched.onList).toHaveBeenCalledTimes(2)
    await vi.advanceTimersByTimeAsync(0)
    // What changed after the first page wakes the query that follows.
    expect(watched.asked.map(({ index }) => index)).toEqual([0n, 0n, 7n])
    await watched.close()
  })

  it('blocks, and reads the list afresh after each wait without news', async () => {
    const watched = watch((index, waitMs, signal) =>
      index === 0n ? Promise.resolve(list(7n)) : blockFor(waitMs, 7n, signal),
    )
    await vi.advanceTimersByTimeAsync(65_000)
    expect(watched.asked).toEqual([
      { atMs: 0, index: 0n },
      { atMs: 0, index: 7n },
      { atMs: 30_000, index: 0n },
      { atMs: 30_000, index: 7n },
      { atMs: 60_000, index: 0n },
      { atMs: 60_000, index: 7n },
    ])
    // What an expired query says is as old as its beginning.
    expect(watched.onList).toHaveBeenCalledTimes(3)
    await watched.close()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('asks a server without indexes at the pace of its polls', async () => {
    const watched = watch(() => Promise.resolve(list(0n)))
    await vi.advanceTimersByTimeAsync(65_000)
    expect(watched.times()).toEqual([0, 30_000, 60_000])
    await watched.close()
  })

  it('asks a server that does not block at the pace of its polls', async () => {
    const watched = watch(() => Promise.resolve(list(7n)))
    await vi.advanceTimersByTimeAsync(65_000)
    expect(watched.times()).toEqual([0, 0, 30_000, 30_000, 60_000, 60_000])
    await watched.close()
  })

  it('makes one list of changes that follow each other closely', async () => {
    let index = 1n
    const watched = watch(async () => list(++index))
    await vi.advanceTimersByTimeAsync(1000)
    expect(watched.asked.length).toBeLessThanOrEqual(12)
    await watched.close()
  })

  it('lets a list wait the longer, the more the one before it changed', async () => {
    const timesWith = async (changes: number) => {
      let index = 1n
      const watched = watch(async () => list(++index), changes)
      await vi.advanceTimersByTimeAsync(5000)
      await watched.close()
      return watched.times()
    }
    expect(await timesWith(10)).toEqual([0, 0, 500, 1000, 1500, 2000, 2500, 3000, 3500, 4000, 4500, 5000])
    expect(await timesWith(1000)).toEqual([0, 0, 2000, 4000])
  })

  it('starts over when the index goes backwards', async () => {
    const answers = [9n, 3n, 3n]
    const watched = watch((_index, waitMs, signal) => {
      const next = answers.shift()
      return next === undefined ? blockFor(waitMs, 3n, signal) : Promise.resolve(list(next))
    })
    await vi.advanceTimersByTimeAsync(1000)
    expect(watched.asked.map(({ index }) => index)).toEqual([0n, 9n, 0n, 3n])
    expect(watched.onList).toHaveBeenCalledTimes(3)
    await watched.close()
  })

  it('waits longer after each failure, tells of the second, and recovers', async () => {
    let isDown = true
    const watched = watch((index, waitMs, signal) =>
      isDown
        ? Promise.reject(noLeader)
        : index === 0n
          ? Promise.resolve(list(7n))
          : blockFor(waitMs, 7n, signal),
    )
    const told = vi.fn()
    watched.current().catch(told)
    await vi.advanceTimersByTimeAsync(999)
    expect(told).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(told).toHaveBeenCalledWith(noLeader)
    await vi.advanceTimersByTimeAsync(100_000)
    expect(watched.times()).toEqual([0, 1000, 3000, 7000, 15_000, 31_000, 61_000, 91_000])
    await expect(watched.current()).rejects.toBe(noLeader)
    isDown = false
    await vi.advanceTimersByTimeAsync(30_000)
    await expect(watched.current()).resolves.toBe(1)
    await watched.close()
  })

  it('reads afresh at once when asked to, from a blocked query and from a backoff', async () => {
    let isDown = false
    const watched = watch((index, waitMs, signal) => {
      if (isDown) return Promise.reject(noLeader)
      return index === 0n ? Promise.resolve(list(7n)) : blockFor(waitMs, 7n, signal)
    })
    await vi.advanceTimersByTimeAsync(10)
    watched.refresh()
    await expect(watched.current()).resolves.toBe(2)
    expect(watched.times()).toEqual([0, 0, 10, 10])
    isDown = true
    await vi.advanceTimersByTimeAsync(60_000)
    isDown = false
    watched.refresh()
    await vi.advanceTimersByTimeAsync(0)
    await expect(watched.current()).resolves.toBe(3)
    await watched.close()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('rejects after it was closed, and for those who wait', async () => {
    const watched = watch((_index, _waitMs, signal) => blockFor(1_000_000, 7n, signal))
    const waiting = watched.current()
    const rejected = expect(waiting).rejects.toMatchObject({ reason: 'Interrupted' })
    await watched.close()
    await rejected
    await expect(watched.current()).rejects.toMatchObject({ reason: 'Interrupted' })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('reads the list afresh a second after a hint, once, unless one arrives by itself', async () => {
    let wake = () => {}
    const watched = watch((index, waitMs, signal) => {
      if (index === 0n) return Promise.resolve(list(7n))
      const news = new Promise<Indexed<string>>((resolve) => {
        wake = () => resolve(list(index + 1n))
      })
      return Promise.race([news, blockFor(waitMs, index, signal)])
    })
    await vi.advanceTimersByTimeAsync(1000)
    watched.hint()
    watched.hint()
    await vi.advanceTimersByTimeAsync(5000)
    expect(watched.times()).toEqual([0, 0, 2000, 2000])
    watched.hint()
    wake()
    await vi.advanceTimersByTimeAsync(5000)
    expect(watched.times()).toEqual([0, 0, 2000, 2000, 6250])
    watched.hint()
    await watched.close()
    expect(vi.getTimerCount()).toBe(0)
  })
})

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../../src/lib/clock.ts'
import { createCachedList } from '../../../src/nomad/cached-list.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** Lists that arrive when the test says so, numbered by their request. */
function createSource() {
  const open: { resolve: (list: number) => void; reject: (error: unknown) => void }[] = []
  let requests = 0
  const list = createCachedList<number>({
    read: () => {
      requests += 1
      return new Promise((resolve, reject) => open.push({ resolve, reject }))
    },
    maxAgeMs: () => 1000,
    clock: systemClock,
  })
  return {
    list,
    requests: () => requests,
    async arrive() {
      open.shift()?.resolve(requests)
      await vi.advanceTimersByTimeAsync(0)
    },
    async fail() {
      open.shift()?.reject(new Error('no answer'))
      await vi.advanceTimersByTimeAsync(0)
    },
  }
}

describe('cached list', () => {
  it('gives a recent list from before it was invalidated, until it is too old', async () => {
    const source = createSource()
    const first = source.list.recent()
    await source.arrive()
    expect(await first).toBe(1)
    source.list.invalidate()
    expect(await source.list.recent()).toBe(1)
    expect(source.requests()).toBe(1)
    await vi.advanceTimersByTimeAsync(1000)
    const second = source.list.recent()
    await source.arrive()
    expect(await second).toBe(2)
  })

  it('is good for its beat, counted from the request', async () => {
    const source = createSource()
    const first = source.list.get()
    await vi.advanceTimersByTimeAsync(400)
    await source.arrive()
    expect(await first).toBe(1)
    await vi.advanceTimersByTimeAsync(599)
    expect(await source.list.get()).toBe(1)
    await vi.advanceTimersByTimeAsync(1)
    const second = source.list.get()
    await source.arrive()
    expect(await second).toBe(2)
  })

  it('sends one request for all who ask again while an invalidated one is under way', async () => {
    const source = createSource()
    const before = source.list.get()
    source.list.invalidate()
    const after = [source.list.get(), source.list.get()]
    source.list.invalidate()
    after.push(source.list.get())
    expect(source.requests()).toBe(1)
    await source.arrive()
    expect(await before).toBe(1)
    expect(source.requests()).toBe(2)
    await source.arrive()
    expect(await Promise.all(after)).toEqual([2, 2, 2])
    expect(await source.list.get()).toBe(2)
    expect(source.requests()).toBe(2)
  })

  it('follows one invalidation during the request that follows another', async () => {
    const source = createSource()
    source.list.get()
    source.list.invalidate()
    const second = source.list.get()
    await source.arrive()
    source.list.invalidate()
    const third = source.list.get()
    await source.arrive()
    expect(await second).toBe(2)
    await source.arrive()
    expect(await third).toBe(3)
  })

  it('tells a failure to those who wait, and asks again for the next', async () => {
    const source = createSource()
    const first = source.list.get().catch((error: unknown) => error)
    const second = source.list.get().catch((error: unknown) => error)
    await source.fail()
    expect(await first).toBeInstanceOf(Error)
    expect(await second).toBeInstanceOf(Error)
    const third = source.list.get()
    await source.arrive()
    expect(await third).toBe(2)
  })

  it('asks again for those who wait behind an invalidated request that fails', async () => {
    const source = createSource()
    const before = source.list.get().catch((error: unknown) => error)
    source.list.invalidate()
    const after = source.list.get()
    await source.fail()
    expect(await before).toBeInstanceOf(Error)
    await source.arrive()
    expect(await after).toBe(2)
  })
})

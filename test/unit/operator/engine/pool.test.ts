import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../../../src/lib/clock.ts'
import { createPool } from '../../../../src/operator/engine/pool.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function started() {
  const ids: string[] = []
  const options = { poolSlots: 8, groupSlots: 4, rateLimit: { tasks: 2, perMs: 1_000 } }
  const pool = createPool(options, systemClock)
  const submit = (id: string) =>
    pool.submit({ id, group: id, priority: 0, run: async () => void ids.push(id) })
  return { ids, submit }
}

describe('the rate limit of a pool', () => {
  it('starts no more tasks in each window than it allows', async () => {
    const { ids, submit } = started()
    for (const id of ['a', 'b', 'c', 'd', 'e']) submit(id)
    await vi.advanceTimersByTimeAsync(999)
    expect(ids).toEqual(['a', 'b'])
    await vi.advanceTimersByTimeAsync(1)
    expect(ids).toEqual(['a', 'b', 'c', 'd'])
    await vi.advanceTimersByTimeAsync(1_000)
    expect(ids).toHaveLength(5)
  })

  it('stops nothing when the date is set back by a day', async () => {
    const { ids, submit } = started()
    submit('a')
    await vi.advanceTimersByTimeAsync(100)
    vi.setSystemTime(Date.now() - 86_400_000)
    for (const id of ['b', 'c', 'd', 'e']) submit(id)
    await vi.advanceTimersByTimeAsync(3_000)
    expect(ids).toHaveLength(5)
  })
})

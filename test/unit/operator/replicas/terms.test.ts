import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../../../src/lib/clock.ts'
import { silentLog } from '../../../../src/lib/log.ts'
import { defaultLeadershipTimes as times } from '../../../../src/operator/replicas/leadership.ts'
import { startOnlyTerm, startTerms, type Term } from '../../../../src/operator/replicas/terms.ts'
import { createFakeLockKeeper } from '../../../fakes/leader-lock.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

/** Replica `one`, whose terms begin as `begin` says. */
function startReplica(options: { readonly readOnly?: boolean; readonly failures?: number } = {}) {
  const keeper = createFakeLockKeeper(times.leaseMs, Date.now)
  const begun: Term[] = []
  const ended: Term[] = []
  let failures = options.failures ?? 0
  const terms = startTerms({
    replica: { identity: 'one', lock: keeper.lockOf('one'), times },
    readOnly: options.readOnly ?? false,
    clock: systemClock,
    random: () => 0.5,
    log: silentLog,
    async begin(term) {
      failures -= 1
      if (failures >= 0) throw new Error('no')
      begun.push(term)
      return { term, close: async () => void ended.push(term) }
    },
  })
  return { keeper, terms, begun, ended }
}

describe('the terms of a replica', () => {
  it('begin with the lock, end with it, and another one follows', async () => {
    const { keeper, terms, begun, ended } = startReplica()
    await pass(0)
    expect(terms.current()?.term).toBe(begun[0])
    expect(begun[0]).toMatchObject({ holder: 'one' })
    expect(begun[0]?.mayAct()).toBe(true)

    begun[0]?.giveUp('another process wrote')
    await pass(0)
    expect(begun[0]?.mayAct()).toBe(false)
    expect([ended, terms.current()]).toEqual([[begun[0]], undefined])
    await pass(2 * times.retryMs)
    expect([begun.length, terms.current()?.term]).toEqual([2, begun[1]])

    await terms.close()
    expect([ended.length, terms.current(), keeper.holder()]).toEqual([2, undefined, undefined])
  })

  it('let the next one have the lock where one cannot begin, and try again', async () => {
    const { keeper, terms, begun } = startReplica({ failures: 1 })
    await pass(0)
    expect([begun, terms.current(), keeper.holder()]).toEqual([[], undefined, undefined])
    await pass(2 * times.retryMs)
    expect([begun.length, keeper.holder()]).toEqual([1, 'one'])
    await terms.close()
  })

  it('of one that is read-only is one that may not act, and takes no lock', async () => {
    const { keeper, terms, begun, ended } = startReplica({ readOnly: true })
    await pass(0)
    expect([terms.current()?.term, begun[0]?.mayAct(), keeper.attempts]).toEqual([begun[0], false, []])
    await terms.close()
    expect(ended).toEqual(begun)
  })
})

describe('the only term of a process that is alone', () => {
  it('may act, and ends with the process', async () => {
    const close = vi.fn(async () => {})
    const terms = await startOnlyTerm(async (term) => ({ term, close }))
    expect([terms.current()?.term.mayAct(), terms.current()?.term.holder]).toEqual([true, undefined])
    await terms.close()
    expect(close).toHaveBeenCalledOnce()
  })

  it('fails where it cannot begin', async () => {
    await expect(startOnlyTerm(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
  })
})

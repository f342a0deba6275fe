import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Clock, systemClock } from '../../../../src/lib/clock.ts'
import { OperationError } from '../../../../src/lib/errors.ts'
import { guardEffects } from '../../../../src/operator/replicas/guard-effects.ts'
import {
  campaign,
  defaultLeadershipTimes,
  type Leadership,
} from '../../../../src/operator/replicas/leadership.ts'
import { createFakeLockKeeper, type FakeLockKeeper } from '../../../fakes/leader-lock.ts'

const times = defaultLeadershipTimes

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** `vi.setSystemTime` lets time pass without timers, as for a process that is stopped. */
const passing: Clock = { ...systemClock, uptimeMs: () => Date.now() }

function campaignFor(keeper: FakeLockKeeper, identity: string, clock: Clock = passing) {
  const stop = new AbortController()
  const errors: unknown[] = []
  const won = campaign({
    lock: keeper.lockOf(identity),
    times,
    clock,
    random: () => 0.5,
    signal: stop.signal,
    onError: (error) => errors.push(error),
  })
  return { won, stop, errors }
}

async function leadershipOf(campaigning: Promise<Leadership | undefined>): Promise<Leadership> {
  const leadership = await campaigning
  if (leadership === undefined) throw new Error('the campaign was ended')
  return leadership
}

/** The uptime as the test has it, while timers and the monotonic clock stand still: a machine that sleeps. */
function createSleeper() {
  let sleptMs = 0
  const clock: Clock = { ...systemClock, uptimeMs: () => Date.now() + sleptMs, monotonicMs: () => 0 }
  return {
    clock,
    sleep(ms: number) {
      sleptMs += ms
    },
  }
}

describe('a campaign', () => {
  it('is won by one of two, and by the other as soon as that one releases the lock', async () => {
    const keeper = createFakeLockKeeper(times.leaseMs, Date.now)
    const first = await leadershipOf(campaignFor(keeper, 'one').won)
    const second = campaignFor(keeper, 'other')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(keeper.holder()).toBe('one')
    expect(first.isHeld()).toBe(true)

    await first.release()
    expect(first.isHeld()).toBe(false)
    expect(first.signal.aborted).toBe(true)
    await vi.advanceTimersByTimeAsync(times.retryMs)
    expect((await leadershipOf(second.won)).isHeld()).toBe(true)
    second.stop.abort()
  })

  it('goes on where the lock does not answer, and says so', async () => {
    const keeper = createFakeLockKeeper(times.leaseMs, Date.now)
    keeper.isSilent = true
    const { won, errors } = campaignFor(keeper, 'one')
    await vi.advanceTimersByTimeAsync(times.renewDeadlineMs)
    expect(errors).toHaveLength(1)
    keeper.isSilent = false
    await vi.advanceTimersByTimeAsync(times.retryMs)
    expect((await leadershipOf(won)).isHeld()).toBe(true)
  })

  it('ends without a leadership when it is told to', async () => {
    const keeper = createFakeLockKeeper(times.leaseMs, Date.now)
    await leadershipOf(campaignFor(keeper, 'one').won)
    const { won, stop } = campaignFor(keeper, 'other')
    await vi.advanceTimersByTimeAsync(7_000)
    stop.abort()
    expect(await won).toBeUndefined()
  })
})

describe('a leadership', () => {
  it('is lost when renewals go unanswered, before the lock can be another’s', async () => {
    const keeper = createFakeLockKeeper(times.leaseMs, Date.now)
    const leadership = await leadershipOf(campaignFor(keeper, 'one').won)
    await vi.advanceTimersByTimeAsync(times.retryMs + 100)
    keeper.isSilent = true
    const silentAtMs = Date.now()
    await vi.advanceTimersByTimeAsync(times.renewDeadlineMs)
    expect(leadership.signal.aborted).toBe(true)
    expect(leadership.isHeld()).toBe(false)
    expect(String(leadership.signal.reason)).toContain('no renewal of the lock was confirmed for 10 s')
    expect(keeper.holder()).toBe('one')
    expect(Date.now() - silentAtMs).toBeLessThan(times.leaseMs)
  })

  it('outlasts an answer that is lost now and then', async () => {
    const keeper = createFakeLockKeeper(times.leaseMs, Date.now)
    const leadership = await leadershipOf(campaignFor(keeper, 'one').won)
    for (let round = 0; round < 10; round += 1) {
      keeper.isSilent = true
      await vi.advanceTimersByTimeAsync(3_000)
      keeper.isSilent = false
      await vi.advanceTimersByTimeAsync(9_000 + 500 * round)
    }
    expect(leadership.isHeld()).toBe(true)
    await leadership.release()
  })

  it('is lost at once when another process has the lock', async () => {
    let nowMs = 0
    const keeper = createFakeLockKeeper(times.leaseMs, () => nowMs)
    const leadership = await leadershipOf(campaignFor(keeper, 'one').won)
    nowMs += times.leaseMs
    await leadershipOf(campaignFor(keeper, 'other').won)
    await vi.advanceTimersByTimeAsync(times.retryMs)
    expect(leadership.isHeld()).toBe(false)
    expect(String(leadership.signal.reason)).toContain('another process has taken the lock')
  })

  it('is not held by a process that was stopped, before any of its timers runs', async () => {
    const keeper = createFakeLockKeeper(times.leaseMs, Date.now)
    const leadership = await leadershipOf(campaignFor(keeper, 'one').won)
    // Time passes, and nothing of this process runs.
    vi.setSystemTime(Date.now() + times.renewDeadlineMs)
    expect(leadership.isHeld()).toBe(false)
    expect(leadership.signal.aborted).toBe(true)
  })

  it('is not held after the machine slept, though its monotonic clock stood still', async () => {
    const keeper = createFakeLockKeeper(times.leaseMs, Date.now)
    const sleeper = createSleeper()
    const leadership = await leadershipOf(campaignFor(keeper, 'one', sleeper.clock).won)
    expect(leadership.isHeld()).toBe(true)
    sleeper.sleep(times.renewDeadlineMs)
    expect(leadership.isHeld()).toBe(false)
  })

  it('is still held after the date was set a year ahead', async () => {
    const keeper = createFakeLockKeeper(times.leaseMs, Date.now)
    const aheadMs = 365 * 86_400_000
    const clock: Clock = { ...systemClock, now: () => Date.now() + aheadMs, uptimeMs: () => 0 }
    const leadership = await leadershipOf(campaignFor(keeper, 'one', clock).won)
    expect(leadership.isHeld()).toBe(true)
    await vi.advanceTimersByTimeAsync(times.renewDeadlineMs * 3)
    expect(leadership.isHeld()).toBe(true)
  })

  it('is not held longer because the date was set back', async () => {
    const keeper = createFakeLockKeeper(times.leaseMs, Date.now)
    const clock: Clock = { ...systemClock, now: () => 0, uptimeMs: () => 0 }
    const leadership = await leadershipOf(campaignFor(keeper, 'one', clock).won)
    keeper.isSilent = true
    await vi.advanceTimersByTimeAsync(times.renewDeadlineMs)
    expect(leadership.isHeld()).toBe(false)
  })

  it('never overlaps another, whatever answers and stops', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            silent: fc.boolean(),
            stoppedMs: fc.integer({ min: 0, max: 20_000 }),
            runMs: fc.integer({ min: 0, max: 12_000 }),
          }),
          { maxLength: 20 },
        ),
        async (story) => {
          const keeper = createFakeLockKeeper(times.leaseMs, Date.now)
          const held = new Map<string, Leadership>()
          const stop = new AbortController()
          const assertAlone = () => {
            const leaders = [...held].filter(([, leadership]) => leadership.isHeld())
            expect(leaders.length).toBeLessThanOrEqual(1)
            for (const [identity] of leaders) expect(keeper.holder()).toBe(identity)
          }
          const run = async (identity: string) => {
            while (!stop.signal.aborted) {
              const leadership = await campaign({
                lock: keeper.lockOf(identity),
                times,
                clock: passing,
                random: Math.random,
                signal: stop.signal,
                onError: () => {},
              })
              if (leadership === undefined) return
              held.set(identity, leadership)
              assertAlone()
              await new Promise((resolve) => leadership.signal.addEventListener('abort', resolve))
            }
          }
          void run('one')
          void run('other')
          for (const { silent, stoppedMs, runMs } of story) {
            keeper.isSilent = silent
            // Both are stopped: the keeper's time goes on.
            vi.setSystemTime(Date.now() + stoppedMs)
            assertAlone()
            await vi.advanceTimersByTimeAsync(runMs)
            assertAlone()
          }
          stop.abort()
          keeper.isSilent = false
          for (const leadership of held.values()) leadership.giveUp('the test ends')
        },
      ),
      { numRuns: 200 },
    )
  })
})

describe('a guard around effects', () => {
  it('lets no method start without leadership, and passes everything else on', async () => {
    let isHeld = true
    const calls: string[] = []
    const port = guardEffects(
      {
        limit: 3,
        async createVolume(id: string) {
          calls.push(id)
          return `made ${id}`
        },
      },
      () => isHeld,
    )
    expect(port.limit).toBe(3)
    expect(await port.createVolume('one')).toBe('made one')
    isHeld = false
    const refused = port.createVolume('two')
    await expect(refused).rejects.toThrow(OperationError)
    await expect(refused).rejects.toMatchObject({ kind: 'waiting', reason: 'NotLeader' })
    expect(calls).toEqual(['one'])
  })
})

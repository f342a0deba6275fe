import pino from 'pino'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../../../src/lib/clock.ts'
import { OperationError } from '../../../../src/lib/errors.ts'
import { silentLog } from '../../../../src/lib/log.ts'
import {
  type Controller,
  type ControllerOptions,
  createController,
} from '../../../../src/operator/engine/controller.ts'
import type { Outcome } from '../../../../src/operator/engine/outcome.ts'

const done: Outcome = { type: 'done' }
const failed: Outcome = { type: 'failed', error: new Error('no') }

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** Passes that end when the test says so. */
function createPasses() {
  const started: string[] = []
  const open = new Map<
    string,
    { end: (outcome: Outcome) => void; fail: (error: unknown) => void; signal: AbortSignal }
  >()
  return {
    started,
    open,
    reconcile: (key: string, signal: AbortSignal) => {
      started.push(key)
      return new Promise<Outcome>((end, fail) => {
        open.set(key, { end, fail, signal })
      })
    },
    async end(key: string, outcome: Outcome = done) {
      const pass = open.get(key)
      if (!pass) throw new Error(`${key} is not in process`)
      open.delete(key)
      pass.end(outcome)
      await vi.advanceTimersByTimeAsync(0)
    },
  }
}

function controllerOf(
  options: Partial<ControllerOptions> & Pick<ControllerOptions, 'reconcile'>,
): Controller {
  return createController({
    groupOf: (key) => key.split('/')[0] ?? key,
    log: silentLog,
    clock: systemClock,
    random: () => 0,
    rateLimit: { tasks: 1_000_000, perMs: 1000 },
    ...options,
  })
}

describe('what goes around passes', () => {
  it('is told of the key, its priority and how long it waited, and sees the outcome', async () => {
    const passes = createPasses()
    const seen: unknown[] = []
    const controller = controllerOf({
      reconcile: passes.reconcile,
      groupSlots: 1,
      poolSlots: 2,
      aroundPass: async (subject, run) => {
        const outcome = await run()
        seen.push({ ...subject, outcome: outcome.type })
        return outcome
      },
    })
    controller.add('p/a')
    controller.add('p/b', { priority: 'resync' })
    await vi.advanceTimersByTimeAsync(250)
    await passes.end('p/a')
    await passes.end('p/b')
    expect(seen).toEqual([
      { key: 'p/a', priority: 'change', queuedMs: 0, outcome: 'done' },
      { key: 'p/b', priority: 'resync', queuedMs: 250, outcome: 'done' },
    ])
    expect(controller.counters().adds).toBe(2)
  })

  it('cannot end the loop: what it throws is a failed pass', async () => {
    const controller = controllerOf({
      reconcile: async () => done,
      aroundPass: () => Promise.reject(new Error('no')),
    })
    controller.add('p/a')
    await vi.advanceTimersByTimeAsync(0)
    expect(controller.counters()).toMatchObject({ passes: 1, retries: 1 })
  })
})

describe('passes in process', () => {
  it('count as overdue once they have not heard their signal', async () => {
    const passes = createPasses()
    const controller = controllerOf({ reconcile: passes.reconcile, passTimeoutMs: 1000 })
    controller.add('p/a')
    await vi.advanceTimersByTimeAsync(50_000)
    expect(controller.counters()).toMatchObject({ longestRunningMs: 50_000, overdue: 0 })
    await vi.advanceTimersByTimeAsync(12_000)
    expect(controller.counters()).toMatchObject({ longestRunningMs: 62_000, overdue: 1 })
    await passes.end('p/a')
    expect(controller.counters()).toMatchObject({ longestRunningMs: 0, overdue: 0 })
  })
})

describe('keys', () => {
  it('collapses adds of a key that waits into one pass', async () => {
    const passes = createPasses()
    const controller = controllerOf({ reconcile: passes.reconcile, groupSlots: 1, poolSlots: 2 })
    controller.add('p/busy')
    for (let add = 0; add < 5; add++) controller.add('p/a')
    expect(controller.counters()).toMatchObject({ depth: 1, running: 1 })
    await passes.end('p/busy')
    await passes.end('p/a')
    expect(passes.started).toEqual(['p/busy', 'p/a'])
    expect(controller.counters()).toMatchObject({ depth: 0, running: 0, passes: 2 })
  })

  it('runs a key that was added while in process once more after, and not beside (external-provisioner#1469)', async () => {
    const passes = createPasses()
    const controller = controllerOf({ reconcile: passes.reconcile })
    controller.add('p/a')
    controller.add('p/a')
    controller.add('p/a')
    expect(passes.started).toEqual(['p/a'])
    await passes.end('p/a')
    expect(passes.started).toEqual(['p/a', 'p/a'])
    await passes.end('p/a')
    expect(passes.open.size).toBe(0)
  })

  it('lets one change overtake the resync of thousands', async () => {
    const passes = createPasses()
    const controller = controllerOf({ reconcile: passes.reconcile, groupSlots: 1, poolSlots: 2 })
    for (let index = 0; index < 5000; index++) controller.add(`p/${index}`, { priority: 'resync' })
    controller.add('p/new')
    await passes.end('p/0')
    expect(passes.started).toEqual(['p/0', 'p/new'])
  })

  it('finishes what it has begun before it begins more, and lets nothing begun go on for ever', async () => {
    const passes = createPasses()
    const controller = controllerOf({ reconcile: passes.reconcile, groupSlots: 1, poolSlots: 2 })
    for (const key of ['p/a', 'p/b', 'p/c']) controller.add(key)
    await vi.advanceTimersByTimeAsync(0)
    await passes.end('p/a', { type: 'again', afterMs: 0 })
    await passes.end('p/a', { type: 'again', afterMs: 0 })
    await passes.end('p/a')
    expect(passes.started).toEqual(['p/a', 'p/a', 'p/a', 'p/b'])
    while (passes.open.has('p/b')) await passes.end('p/b', { type: 'again', afterMs: 0 })
    expect(passes.started.filter((key) => key === 'p/b').length).toBeLessThan(20)
    expect(passes.started.at(-1)).toBe('p/c')
  })

  it('raises a key that waits for the resync when it changes', async () => {
    const passes = createPasses()
    const controller = controllerOf({ reconcile: passes.reconcile, groupSlots: 1, poolSlots: 2 })
    for (let index = 0; index < 100; index++) controller.add(`p/${index}`, { priority: 'resync' })
    controller.add('p/99')
    controller.add('p/99', { priority: 'resync' })
    await passes.end('p/0')
    expect(passes.started).toEqual(['p/0', 'p/99'])
  })

  it('raises a key that holds a slot of its group and waits for one of the pool', async () => {
    const passes = createPasses()
    const controller = controllerOf({ reconcile: passes.reconcile, groupSlots: 1, poolSlots: 2 })
    for (const key of ['p/a', 'q/a', 'r/a', 's/a']) controller.add(key, { priority: 'resync' })
    controller.add('s/a')
    await passes.end('p/a')
    expect(passes.started).toEqual(['p/a', 'q/a', 's/a'])
  })
})

describe('slots', () => {
  it('holds up only the group that hangs (nomad#10927)', async () => {
    const passes = createPasses()
    const controller = controllerOf({ reconcile: passes.reconcile, groupSlots: 4, poolSlots: 6 })
    for (let index = 0; index < 100; index++) controller.add(`hangs/${index}`)
    for (let index = 0; index < 20; index++) controller.add(`works/${index}`)
    for (let index = 0; index < 20; index++) await passes.end(`works/${index}`)
    expect(passes.started.filter((key) => key.startsWith('hangs/'))).toHaveLength(4)
    expect(passes.started.filter((key) => key.startsWith('works/'))).toHaveLength(20)
  })

  it('refuses a pool that one group could fill', () => {
    const { reconcile } = createPasses()
    expect(() => controllerOf({ reconcile, groupSlots: 4, poolSlots: 4 })).toThrow(RangeError)
  })

  it('starts no more passes in a window than the rate limit allows', async () => {
    const startedAt: number[] = []
    const controller = controllerOf({
      rateLimit: { tasks: 10, perMs: 1000 },
      reconcile: async () => {
        startedAt.push(Date.now())
        return done
      },
    })
    const beginMs = Date.now()
    for (let index = 0; index < 35; index++) controller.add(`p${index}/a`)
    await vi.advanceTimersByTimeAsync(5000)
    const perWindow = [0, 1, 2, 3, 4].map(
      (window) => startedAt.filter((at) => Math.floor((at - beginMs) / 1000) === window).length,
    )
    expect(perWindow).toEqual([10, 10, 10, 5, 0])
  })
})

describe('a pass that reaches its time limit', () => {
  for (const [what, end] of [
    ['says that it is done', async () => done],
    ['asks to be repeated at once', async (): Promise<Outcome> => ({ type: 'again', afterMs: 0 })],
    ['gives back the failure that the abort led to', async () => failed],
    ['throws what the abort led to', () => Promise.reject(new Error('aborted'))],
  ] as const) {
    it(`has failed and backs off, also where it ${what}`, async () => {
      const lines: Record<string, unknown>[] = []
      const log = pino({ level: 'warn', base: null }, { write: (line) => lines.push(JSON.parse(line)) })
      const types: string[] = []
      const controller = controllerOf({
        log,
        passTimeoutMs: 1000,
        backoff: { baseMs: 4000, maxMs: 60_000 },
        reconcile: async (_key, signal) => {
          await new Promise((resolve) => signal.addEventListener('abort', resolve))
          return end()
        },
        aroundPass: async (_subject, run) => {
          const outcome = await run()
          types.push(outcome.type)
          return outcome
        },
      })
      controller.add('p/a')
      await vi.advanceTimersByTimeAsync(1000)
      expect(controller.counters()).toMatchObject({ failing: 1, retries: 1, passes: 1, delayed: 1 })
      expect(types).toEqual(what.startsWith('throws') ? [] : ['failed'])
      expect(lines).toMatchObject([
        { key: 'p/a', kind: 'transient', reason: 'PassTimedOut', retryInMs: 4000, msg: 'pass failed' },
      ])
      expect(lines[0]?.error).toMatch(/1 s/)
      await vi.advanceTimersByTimeAsync(4000)
      expect(controller.counters().running).toBe(1)
    })
  }

  it('is not what a shutdown cuts short: nothing is logged, and nothing is repeated', async () => {
    const lines: string[] = []
    const controller = controllerOf({
      log: pino({ level: 'warn' }, { write: (line) => lines.push(line) }),
      reconcile: async (_key, signal) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        return done
      },
    })
    controller.add('p/a')
    const drained = controller.drain(1000)
    await vi.advanceTimersByTimeAsync(1000)
    await drained
    expect(lines).toEqual([])
    expect(controller.counters()).toMatchObject({ failing: 0, retries: 0, passes: 1 })
  })
})

describe('outcomes', () => {
  it('looks again after the time that the pass asks for', async () => {
    const passes = createPasses()
    const controller = controllerOf({ reconcile: passes.reconcile })
    controller.add('p/a')
    await passes.end('p/a', { type: 'again', afterMs: 5000 })
    await vi.advanceTimersByTimeAsync(4999)
    expect(passes.started).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(passes.started).toHaveLength(2)
  })

  it('looks again at once when the pass changed something', async () => {
    const passes = createPasses()
    const controller = controllerOf({ reconcile: passes.reconcile })
    controller.add('p/a')
    await passes.end('p/a', { type: 'again', afterMs: 0 })
    expect(passes.started).toHaveLength(2)
  })

  it('backs off longer with each failure, and starts over after a success', async () => {
    const startedAt: number[] = []
    const outcomes: Outcome[] = [failed, failed, failed, done, failed]
    const controller = controllerOf({
      reconcile: async () => {
        startedAt.push(Date.now())
        return outcomes[startedAt.length - 1] ?? done
      },
    })
    const beginMs = Date.now()
    controller.add('p/a')
    await vi.advanceTimersByTimeAsync(7000)
    expect(controller.counters()).toMatchObject({ failing: 0, retries: 3, passes: 4 })
    controller.add('p/a')
    await vi.advanceTimersByTimeAsync(1000)
    expect(startedAt.map((at) => at - beginMs)).toEqual([0, 1000, 3000, 7000, 7000, 8000])
  })

  it('tries a key in backoff at once when it changes', async () => {
    const passes = createPasses()
    const controller = controllerOf({ reconcile: passes.reconcile })
    controller.add('p/a')
    await passes.end('p/a', failed)
    expect(controller.counters().delayed).toBe(1)
    controller.add('p/a')
    expect(passes.started).toHaveLength(2)
    expect(controller.counters().delayed).toBe(0)
  })

  it('takes the earliest of the times that a key was added for', async () => {
    const passes = createPasses()
    const controller = controllerOf({ reconcile: passes.reconcile })
    controller.addAfter('p/a', 5000)
    controller.addAfter('p/a', 1000)
    controller.addAfter('p/a', 3000)
    await vi.advanceTimersByTimeAsync(1000)
    expect(passes.started).toHaveLength(1)
    await passes.end('p/a')
    await vi.advanceTimersByTimeAsync(10_000)
    expect(passes.started).toHaveLength(1)
  })

  it('survives whatever a pass throws, and says which key and why', async () => {
    const lines: Record<string, unknown>[] = []
    const log = pino({ level: 'info' }, { write: (line: string) => lines.push(JSON.parse(line)) })
    const thrown: unknown[] = [
      new OperationError('the plugin is away', { kind: 'transient', reason: 'PluginUnavailable' }),
      new TypeError('undefined is not a function'),
      'a string',
    ]
    const controller = controllerOf({
      log,
      reconcile: () => {
        const next = thrown.shift()
        if (next === undefined) return Promise.resolve(done)
        throw next
      },
    })
    controller.add('p/a')
    await vi.advanceTimersByTimeAsync(10_000)
    expect(controller.counters()).toMatchObject({ passes: 4, failing: 0 })
    expect(lines).toMatchObject([
      { key: 'p/a', reason: 'PluginUnavailable', error: 'the plugin is away', retryInMs: 1000 },
      { key: 'p/a', reason: 'UnexpectedError', stack: expect.stringContaining('TypeError') },
      { key: 'p/a', reason: 'UnexpectedError', error: 'a string' },
    ])
    expect(lines[0]).not.toHaveProperty('stack')
  })

  it('signals a pass that takes too long, and keeps its key in process until it ends', async () => {
    const passes = createPasses()
    const controller = controllerOf({ reconcile: passes.reconcile, passTimeoutMs: 60_000 })
    controller.add('p/a')
    await vi.advanceTimersByTimeAsync(59_999)
    expect(passes.open.get('p/a')?.signal.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(passes.open.get('p/a')?.signal.reason).toMatchObject({ message: 'the pass took longer than 60 s' })
    controller.add('p/a')
    expect(passes.started).toHaveLength(1)
    await passes.end('p/a')
    expect(passes.started).toHaveLength(2)
  })
})

describe('idle and drain', () => {
  it('is idle when nothing waits or runs, whatever is delayed', async () => {
    const passes = createPasses()
    const controller = controllerOf({ reconcile: passes.reconcile })
    await controller.whenIdle()
    controller.add('p/a')
    controller.add('p/a')
    controller.addAfter('p/b', 1000)
    const idle = vi.fn()
    controller.whenIdle().then(idle)
    await passes.end('p/a')
    expect(idle).not.toHaveBeenCalled()
    await passes.end('p/a')
    expect(idle).toHaveBeenCalledOnce()
  })

  it('starts nothing new while it drains, and waits for what runs', async () => {
    const passes = createPasses()
    const controller = controllerOf({ reconcile: passes.reconcile, groupSlots: 1, poolSlots: 2 })
    for (const key of ['p/a', 'p/b', 'q/a', 'r/a']) controller.add(key)
    controller.add('p/a')
    controller.addAfter('s/a', 1)
    const drained = vi.fn()
    controller.drain(1000).then(drained)
    controller.add('t/a')
    controller.addAfter('t/b', 1)
    await vi.advanceTimersByTimeAsync(500)
    await passes.end('p/a', { type: 'again', afterMs: 0 })
    expect(drained).not.toHaveBeenCalled()
    await passes.end('q/a', failed)
    expect(drained).toHaveBeenCalledOnce()
    await vi.advanceTimersByTimeAsync(1_000_000)
    expect(passes.started).toEqual(['p/a', 'q/a'])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('signals the passes that hold up the drain after the grace time', async () => {
    const reconcile = vi.fn(
      (_key: string, signal: AbortSignal) =>
        new Promise<Outcome>((_end, fail) => {
          signal.addEventListener('abort', () => fail(signal.reason))
        }),
    )
    const controller = controllerOf({ reconcile })
    controller.add('p/a')
    const drained = vi.fn()
    controller.drain(1000).then(drained)
    await vi.advanceTimersByTimeAsync(999)
    expect(drained).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(drained).toHaveBeenCalledOnce()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('drains at once when nothing runs, twice too', async () => {
    const controller = controllerOf({ reconcile: createPasses().reconcile })
    await controller.drain(1000)
    await controller.drain(1000)
    expect(vi.getTimerCount()).toBe(0)
  })
})

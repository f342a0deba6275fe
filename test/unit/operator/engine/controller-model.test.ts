import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../../../src/lib/clock.ts'
import { silentLog } from '../../../../src/lib/log.ts'
import { createController } from '../../../../src/operator/engine/controller.ts'
import type { Outcome } from '../../../../src/operator/engine/outcome.ts'

/**
 * What a controller owes, held beside the real one through random interleavings: of each key whether a
 * pass is due or at which time one will be, whether one runs, and its failures in a row. A pass that
 * starts without being due, or one that is due and never starts, breaks a promise.
 */

const keys = ['p/a', 'p/b', 'p/c', 'q/a', 'q/b', 'r/a', 'r/b', 'r/c']
const poolSlots = 3
const groupSlots = 2
const backoff = { baseMs: 1000, maxMs: 8000 }

type Step =
  | { type: 'add'; key: string; priority: 'change' | 'resync' }
  | { type: 'addAfter'; key: string; delayMs: number }
  | { type: 'end'; index: number; outcome: 'done' | 'again' | 'failed' | 'thrown'; afterMs: number }
  | { type: 'advance'; byMs: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    type: fc.constant('add' as const),
    key: fc.constantFrom(...keys),
    priority: fc.constantFrom('change' as const, 'resync' as const),
  }),
  fc.record({
    type: fc.constant('addAfter' as const),
    key: fc.constantFrom(...keys),
    delayMs: fc.integer({ min: -10, max: 5000 }),
  }),
  fc.record({
    type: fc.constant('end' as const),
    index: fc.nat(100),
    outcome: fc.constantFrom('done' as const, 'again' as const, 'failed' as const, 'thrown' as const),
    afterMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 5000 })),
  }),
  fc.record({ type: fc.constant('advance' as const), byMs: fc.integer({ min: 0, max: 3000 }) }),
)

function createModel() {
  const due = new Set<string>()
  const dueAt = new Map<string, number>()
  const failures = new Map<string, { readonly count: number; readonly retryAt: number }>()
  const running = new Map<string, (outcome: Outcome | 'thrown') => void>()
  const broken: string[] = []

  function owe(key: string) {
    dueAt.delete(key)
    due.add(key)
  }
  function oweAfter(key: string, delayMs: number) {
    if (delayMs <= 0) owe(key)
    else if (!due.has(key)) {
      const at = Date.now() + delayMs
      dueAt.set(key, Math.min(at, dueAt.get(key) ?? at))
    }
  }
  /** Timers that have fired by now. */
  function tick() {
    for (const [key, at] of [...dueAt]) if (at <= Date.now()) owe(key)
  }

  return {
    due,
    dueAt,
    running,
    broken,
    owe,
    oweAfter,
    tick,
    reconcile(key: string): Promise<Outcome> {
      tick()
      if (running.has(key)) broken.push(`${key} ran twice at once`)
      if (!due.delete(key)) broken.push(`${key} ran without being due`)
      return new Promise((resolve, reject) => {
        running.set(key, (outcome) => (outcome === 'thrown' ? reject(new Error('thrown')) : resolve(outcome)))
        const group = key.split('/')[0]
        if (running.size > poolSlots) broken.push('the pool is overfull')
        if ([...running.keys()].filter((other) => other.split('/')[0] === group).length > groupSlots) {
          broken.push(`group ${group} is overfull`)
        }
      })
    },
    end(key: string, outcome: Outcome | 'thrown') {
      const end = running.get(key)
      running.delete(key)
      if (outcome === 'thrown' || outcome.type === 'failed') {
        const { count, retryAt } = failures.get(key) ?? { count: 0, retryAt: Date.now() }
        const delayMs = Math.min(backoff.maxMs, backoff.baseMs * 2 ** count)
        // A try before its time leaves the delay as it is.
        if (Date.now() >= retryAt) failures.set(key, { count: count + 1, retryAt: Date.now() + delayMs })
        oweAfter(key, (failures.get(key)?.retryAt ?? 0) - Date.now())
      } else {
        failures.delete(key)
        if (outcome.type === 'again') oweAfter(key, outcome.afterMs)
      }
      end?.(outcome)
    },
    /** Slots are never left empty while a key that could use one is due. */
    isStarved() {
      if (running.size >= poolSlots) return false
      return [...due].some((key) => {
        if (running.has(key)) return false
        const group = key.split('/')[0]
        return [...running.keys()].filter((other) => other.split('/')[0] === group).length < groupSlots
      })
    },
  }
}

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('controller', () => {
  it('keeps its promises through any interleaving of adds, ends and failures', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80, size: 'max' }), async (steps) => {
        // Of a run that failed, so that it shrinks to its own cause.
        vi.clearAllTimers()
        const model = createModel()
        const controller = createController({
          reconcile: model.reconcile,
          groupOf: (key) => key.split('/')[0] ?? key,
          log: silentLog,
          clock: systemClock,
          random: () => 0,
          poolSlots,
          groupSlots,
          backoff,
          rateLimit: { tasks: 1_000_000, perMs: 1000 },
        })
        const settle = async (byMs = 0) => {
          await vi.advanceTimersByTimeAsync(byMs)
          model.tick()
          expect(model.broken).toEqual([])
          expect(model.isStarved()).toBe(false)
          expect(controller.counters()).toMatchObject({
            running: model.running.size,
            depth: [...model.due].filter((key) => !model.running.has(key)).length,
            delayed: model.dueAt.size,
          })
        }
        for (const next of steps) {
          if (next.type === 'add') {
            model.owe(next.key)
            controller.add(next.key, { priority: next.priority })
          } else if (next.type === 'addAfter') {
            model.oweAfter(next.key, next.delayMs)
            controller.addAfter(next.key, next.delayMs)
          } else if (next.type === 'end') {
            const key = [...model.running.keys()][next.index % Math.max(1, model.running.size)]
            if (key === undefined) continue
            if (next.outcome === 'thrown') model.end(key, 'thrown')
            else if (next.outcome === 'again') model.end(key, { type: 'again', afterMs: next.afterMs })
            else if (next.outcome === 'failed') model.end(key, { type: 'failed', error: new Error('no') })
            else model.end(key, { type: 'done' })
          }
          await settle(next.type === 'advance' ? next.byMs : 0)
        }
        // In the end every key that is owed a pass gets it.
        while (model.running.size + model.due.size + model.dueAt.size > 0) {
          for (const key of [...model.running.keys()]) model.end(key, { type: 'done' })
          await settle(1000)
        }
        // The window of the rate limit ends too.
        await settle(1000)
        await controller.whenIdle()
        await controller.drain(1000)
        expect(vi.getTimerCount()).toBe(0)
      }),
      { numRuns: 150 },
    )
  })
})

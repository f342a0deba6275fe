import { silentLog } from '../../src/lib/log.ts'
import type { Declaration } from '../../src/operator/declare/declaration.ts'
import { createDesired } from '../../src/operator/desired/desired.ts'
import type { PruneOptions } from '../../src/operator/desired/prune.ts'
import { createMemoryInventory, emptyContents } from '../../src/operator/inventory/memory-inventory.ts'
import { type Key, keyOf } from '../../src/operator/plan/identity.ts'
import { expandPerAlloc } from '../../src/operator/plan/per-alloc.ts'
import type { Inventory } from '../../src/operator/plan/ports.ts'
import type { InventoryRecord } from '../../src/operator/plan/record.ts'
import { createReconcile } from '../../src/operator/reconcile/reconcile.ts'
import { createNomadWorld } from '../fakes/nomad-world.ts'

/** What everything throws once the process is killed. */
class Killed extends Error {}

export const deadlineMs = 150_000
export const pruneDelayMs = 5_000

/** The passes, over an inventory in memory and a world in memory, with a clock and a process that tests stop. */
export function createOperatorModel(
  startMs = 1_000_000,
  prune: Partial<PruneOptions> = {},
  secretValues: Readonly<Record<string, string>> = {},
) {
  let nowMs = startMs
  const world = createNomadWorld({ now: () => nowMs, callDeadlineMs: deadlineMs })
  const stored = new Map<Key, InventoryRecord>()
  let effectsUntilKill: number | undefined
  let isKilled = false
  let declarations: Declaration[] = []

  /** Counts down to the kill; a killed process has no further effects. */
  function effect<T>(work: () => T): T {
    if (isKilled) throw new Killed()
    if (effectsUntilKill !== undefined && effectsUntilKill-- === 0) {
      isKilled = true
      throw new Killed()
    }
    return work()
  }

  const kept = createMemoryInventory(emptyContents, (text) => `hash of ${text}`)
  const inventory: Inventory = {
    ...kept,
    get: (key) => stored.get(key),
    list: () => [...stored.values()],
    put: async (record) => {
      effect(() => stored.set(record.key, structuredClone(record)))
    },
    amend: async (key, change) => {
      const record = stored.get(key)
      if (record !== undefined) effect(() => stored.set(key, structuredClone(change(record))))
    },
    delete: async (key) => {
      effect(() => stored.delete(key))
    },
    release: (left) => effect(() => kept.release(left)),
    amendOrders: (key, change) => effect(() => kept.amendOrders(key, change)),
  }
  const api = Object.fromEntries(
    Object.keys(world.api).map((name) => [
      name,
      async (...parameters: unknown[]) => {
        // Looked up as it is called, so that a test may put its own in the place of one.
        const calls = world.api as unknown as Record<string, (...all: unknown[]) => Promise<unknown>>
        const answer = await effect(() => calls[name]?.(...parameters))
        // The second chance to die: the call went out, and nobody is left to hear the answer.
        return effect(() => answer)
      },
    ]),
  ) as unknown as typeof world.api // The same functions, each with its two chances to die.

  let desired = start()
  function start() {
    isKilled = false
    effectsUntilKill = undefined
    return createDesired({
      inventory,
      region: 'global',
      prune: { prune: true, pruneDelayMs, maxPrune: 100, allowEmpty: true, ...prune },
    })
  }

  async function pass() {
    await desired.update(declarations, {
      atMs: nowMs,
      complete: true,
      count: declarations.length,
      sources: new Set(['declarations']),
    })
    const reconcile = createReconcile({
      api,
      observer: world.observer,
      plugins: world.plugins,
      inventory,
      secrets: { resolve: async (references) => (Object.keys(references).length === 0 ? {} : secretValues) },
      desired,
      clock: { now: () => nowMs, after: () => () => {} },
      log: silentLog,
      region: 'global',
      callDeadlineMs: deadlineMs,
      settledBeforeMs: 0,
      wake: () => {},
      onStatus: () => {},
    })
    for (const key of new Set([...desired.declarations().keys(), ...stored.keys()])) {
      await reconcile(key, new AbortController().signal)
    }
  }

  return {
    world,
    stored,
    /** What people wrote, valid or not. */
    written: () => declarations.flatMap(expandPerAlloc).map(keyOf),
    /** What counts as declared: without what is refused. */
    declared: () => [...desired.declarations().values()],
    order: kept.amendOrders,
    orders: kept.orders,
    released: kept.released,
    /** In the place of whatever its document declared. */
    declare(declaration: Declaration) {
      const { file } = declaration.place
      declarations = [...declarations.filter(({ place }) => place.file !== file), declaration]
    },
    /** @param what its document, or what it is the declaration of */
    remove(what: string) {
      declarations = declarations.filter((each) => each.place.file !== what && keyOf(each) !== what)
    },
    advance(ms: number) {
      nowMs += ms
    },
    killAfter(effects: number) {
      effectsUntilKill = effects
    },
    /** A round of passes; a kill in it is followed by a new process. */
    async run() {
      try {
        await pass()
      } catch (error) {
        if (!(error instanceof Killed)) throw error
        desired = start()
      }
    },
    /** Lets everything come to rest: no faults, every deadline passes. */
    async rest() {
      effectsUntilKill = undefined
      world.conditions.isPluginAway = false
      for (let round = 0; round < 24; round += 1) {
        await this.run()
        nowMs += round % 4 === 3 ? deadlineMs : pruneDelayMs
        world.settle()
      }
    },
  }
}

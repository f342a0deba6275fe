import { silentLog } from '../../src/lib/log.ts'
import type { Declaration } from '../../src/operator/declare/declaration.ts'
import { createDesired } from '../../src/operator/desired/desired.ts'
import type { PruneOptions } from '../../src/operator/desired/prune.ts'
import { createMemoryInventory, emptyContents } from '../../src/operator/inventory/memory-inventory.ts'
import { type Key, keyOf } from '../../src/operator/plan/identity.ts'
import { longestCallMs } from '../../src/operator/plan/intent.ts'
import type { Orders } from '../../src/operator/plan/orders.ts'
import { expandPerAlloc } from '../../src/operator/plan/per-alloc.ts'
import type { Inventory } from '../../src/operator/plan/ports.ts'
import { type InventoryRecord, managedPart } from '../../src/operator/plan/record.ts'
import { createReconcile } from '../../src/operator/reconcile/reconcile.ts'
import { reading } from '../builders/evidence.ts'
import { clockOf } from '../builders/now.ts'
import { createNomadWorld } from '../fakes/nomad-world.ts'

/** What everything throws once the process is killed. */
class Killed extends Error {}

export const deadlineMs = longestCallMs
export const pruneDelayMs = 5_000

/** The passes, over an inventory in memory and a world in memory, with a clock and a process that tests stop. */
export function createOperatorModel(
  startMs = 1_000_000,
  prune: Partial<PruneOptions> = {},
  secretValues: Readonly<Record<string, string>> = {},
) {
  let nowMs = startMs
  let leaptMs = 0
  let boot = 'boot-1'
  let started = { dateMs: nowMs, uptimeMs: nowMs }
  const clock = {
    ...clockOf(() => nowMs),
    get started() {
      return started
    },
    now: () => nowMs + leaptMs,
    get boot() {
      return boot
    },
  }
  const world = createNomadWorld({ now: () => nowMs, callDeadlineMs: deadlineMs })
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

  const hash = (text: string) => `hash of ${text}`
  let memory = createMemoryInventory(emptyContents, hash)
  const inventory: Inventory = {
    get: (key) => memory.get(key),
    list: () => memory.list(),
    size: () => memory.size(),
    find: (index, value) => memory.find(index, value),
    onChange: (listener) => memory.onChange(listener),
    // What no pass has written anything of is in the memory of the process alone.
    declare: async (declared) =>
      memory.managed(declared.key) === undefined
        ? memory.declare(structuredClone(declared))
        : effect(() => memory.declare(structuredClone(declared))),
    undeclare: (key) => memory.undeclare(key),
    put: async (managed) => effect(() => memory.put(structuredClone(managed))),
    delete: async (key) => effect(() => memory.delete(key)),
    release: async (left) => effect(() => memory.release(left)),
    released: () => memory.released(),
    findReleased: (field, value) => memory.findReleased(field, value),
    orders: (key) => memory.orders(key),
    amendOrders: async (key, change) => effect(() => memory.amendOrders(key, change)),
    keyedHash: hash,
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
    memory = createMemoryInventory(memory.contents(), hash)
    return createDesired({
      inventory,
      region: 'global',
      prune: { prune: true, pruneDelayMs, maxPrune: 100, allowEmpty: true, ...prune },
    })
  }

  /** Reads what is declared, as the sources' readings do. */
  const read = () => desired.update(declarations, reading(declarations, nowMs))

  function reconciler() {
    return createReconcile({
      api,
      observer: world.observer,
      plugins: world.plugins,
      inventory,
      secrets: { resolve: async (references) => (Object.keys(references).length === 0 ? {} : secretValues) },
      desired,
      log: silentLog,
      region: 'global',
      clock,
      callsEndedBeforeMs: undefined,
      wake: () => {},
      onStatus: () => {},
    })
  }

  let reconcile = reconciler()
  const startProcess = () => {
    started = { dateMs: nowMs + leaptMs, uptimeMs: nowMs }
    desired = start()
    reconcile = reconciler()
  }

  async function pass() {
    await read()
    for (const key of new Set([...desired.declarations().keys(), ...memory.list().map(({ key }) => key)])) {
      await reconcile(key, new AbortController().signal)
    }
  }

  return {
    world,
    inventory,
    clock,
    /** What is managed, by key. */
    get stored(): ReadonlyMap<Key, InventoryRecord> {
      return new Map(memory.list().map((record) => [record.key, record]))
    },
    /** A reading alone. */
    read,
    /** A pass over one identity alone. */
    look: (key: Key, signal = new AbortController().signal) => reconcile(key, signal),
    absence: (key: Key) => desired.absence(key),
    refusals: () => desired.refusals(),
    /** What people wrote, valid or not. */
    written: () => declarations.flatMap(expandPerAlloc).map(keyOf),
    /** What counts as declared: without what is refused. */
    declared: () => [...desired.declarations().values()],
    order: (key: Key, change: (orders: Orders) => Orders) => memory.amendOrders(key, change),
    orders: (key: Key) => memory.orders(key),
    /** As an earlier version may have stored it. */
    putManaged: (record: InventoryRecord) => memory.put(managedPart(record)),
    released: () => memory.released(),
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
    nowMs: () => nowMs,
    /** Sets the date alone, so far from what it should be. The clocks of Nomad and of plugins stay right. */
    setDate(aheadMs: number) {
      leaptMs = aheadMs
    },
    reboot() {
      boot += "'"
      startProcess()
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
        startProcess()
      }
    },
    /** Lets everything come to rest: no faults, every deadline passes. */
    async rest() {
      effectsUntilKill = undefined
      leaptMs = 0
      world.conditions.isPluginAway = false
      for (let round = 0; round < 24; round += 1) {
        await this.run()
        nowMs += round % 4 === 3 ? deadlineMs : pruneDelayMs
        world.settle()
      }
    },
  }
}

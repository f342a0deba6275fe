import { systemClock } from '../../src/lib/clock.ts'
import { OperationError } from '../../src/lib/errors.ts'
import { silentLog } from '../../src/lib/log.ts'
import { createNomadClient } from '../../src/nomad/client.ts'
import { createObserver } from '../../src/nomad/observer.ts'
import type { Declaration } from '../../src/operator/declare/declaration.ts'
import { createDesired } from '../../src/operator/desired/desired.ts'
import { createMemoryInventory, emptyContents } from '../../src/operator/inventory/memory-inventory.ts'
import type { StepName } from '../../src/operator/plan/decision.ts'
import { keyOf } from '../../src/operator/plan/identity.ts'
import type { Orders } from '../../src/operator/plan/orders.ts'
import { createReconcile } from '../../src/operator/reconcile/reconcile.ts'
import { reading } from '../builders/evidence.ts'

const pruneDelayMs = 1_000
/** More passes than any row takes; a bound for one that never comes to rest. */
const mostPasses = 200

export type StepOperator = Awaited<ReturnType<typeof createStepOperator>>

/**
 * The operator's passes over Nomad's real API, one after the other at the word of a test, with an inventory in
 * memory and a time that the test moves on.
 */
export async function createStepOperator(address: string) {
  const steps: StepName[] = []
  const writes: string[] = []
  const client = createNomadClient({
    address,
    aroundCall({ operation, method }, send) {
      if (method !== 'GET') writes.push(operation)
      return send()
    },
  })
  const observer = createObserver({ client, clock: systemClock, random: Math.random, log: silentLog })
  const inventory = createMemoryInventory(emptyContents, (text) => `hash of ${text}`)
  const startedMs = Date.now()
  let aheadMs = 0
  /** From noon on, whenever the test runs, so that a schedule's time comes when the test says. */
  const now = () => Date.parse('2026-11-01T12:00:00Z') + Date.now() - startedMs + aheadMs
  const region = 'global'
  const desired = createDesired({
    inventory,
    region,
    prune: { prune: true, pruneDelayMs, maxPrune: 100, allowEmpty: true },
  })
  let losesAnswer = false
  const reconcile = createReconcile({
    api: {
      ...client,
      async createSnapshot(...parameters) {
        const answer = await client.createSnapshot(...parameters)
        if (!losesAnswer) return answer
        losesAnswer = false
        throw new OperationError('the answer was lost', { kind: 'ambiguous', reason: 'AnswerLost' })
      },
    },
    observer,
    inventory,
    secrets: { resolve: async () => ({}) },
    desired,
    clock: {
      ...systemClock,
      now,
      monotonicMs: now,
      uptimeMs: now,
      started: { dateMs: startedMs, uptimeMs: startedMs },
    },
    log: silentLog,
    region,
    callsEndedBeforeMs: undefined,
    wake: () => {},
    onStatus: () => {},
    aroundStep({ step }, run) {
      steps.push(step)
      return run()
    },
  })
  let declarations: readonly Declaration[] = []

  /** As after a change from outside. */
  function lookAfresh() {
    observer.invalidate({ allocationsIn: 'default', nodes: true })
    for (const record of inventory.list()) {
      if (record.kind === 'HostVolume') observer.invalidateHostVolumes(record.declaration.spec.namespace)
      if (record.kind !== 'Volume') continue
      const { spec } = record.declaration
      observer.invalidate({ volume: spec, pluginID: spec.pluginID })
    }
  }

  /** One round of passes over what is declared or managed. */
  async function pass() {
    await desired.update(declarations, reading(declarations, now()))
    lookAfresh()
    for (const key of new Set([...desired.declarations().keys(), ...inventory.list().map(({ key }) => key)]))
      await reconcile(key, AbortSignal.timeout(60_000))
  }

  return {
    client,
    observer,
    inventory,
    steps: steps as readonly StepName[],
    /** The operations of all requests that are no reads, as metrics name them. */
    writes: writes as readonly string[],
    declare(...given: readonly Declaration[]) {
      const replaced = new Set(given.map(keyOf))
      declarations = [...declarations.filter((each) => !replaced.has(keyOf(each))), ...given]
    },
    remove(name: string) {
      declarations = declarations.filter((each) => each.name !== name)
    },
    order: (key: string, orders: Orders) => inventory.amendOrders(key, () => orders),
    record: (key: string) => inventory.get(key),
    /** The state and reason of an identity: `Ready AsDeclared`. */
    standing(key: string) {
      const { conditions = [] } = inventory.get(key)?.status ?? {}
      const { type, reason } = conditions.find(({ status }) => status === 'True') ?? {}
      return `${type} ${reason}`
    },
    loseNextAnswer() {
      losesAnswer = true
    },
    advance(ms: number) {
      aheadMs += ms
    },
    /** Passes until this step was taken once more. */
    async passUntil(step: StepName) {
      const before = steps.length
      for (let count = 0; count < mostPasses; count += 1) {
        await pass()
        if (steps.slice(before).includes(step)) return
        aheadMs += pruneDelayMs
      }
      throw new Error(`${step} was not taken; taken were ${steps.join(', ')}`)
    },
    /** Passes until a few of them have nothing more to do. */
    async settle() {
      let idle = 0
      for (let count = 0; idle < 3; count += 1) {
        if (count > mostPasses) throw new Error(`it does not come to rest: ${steps.slice(-20).join(', ')}`)
        const before = steps.length
        await pass()
        idle = steps.length === before ? idle + 1 : 0
        aheadMs += pruneDelayMs
      }
    },
    async close() {
      await observer.close()
      await client.close()
    },
  }
}

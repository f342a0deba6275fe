import { createActivityLogs } from '../../src/operator/admin/pages/activity-log.ts'
import type { ClusterView, ViewChange } from '../../src/operator/admin/pages/cluster-view.ts'
import type { Declaration, Problem } from '../../src/operator/declare/declaration.ts'
import type { Refusal } from '../../src/operator/desired/ownership.ts'
import { createMemoryInventory } from '../../src/operator/inventory/memory-inventory.ts'
import { type Key, keyOf } from '../../src/operator/plan/identity.ts'
import type { Orders } from '../../src/operator/plan/orders.ts'
import { declaredPart, type InventoryRecord, managedPart } from '../../src/operator/plan/record.ts'
import type { Condition } from '../../src/operator/plan/status.ts'
import { adjustableClock } from '../helpers/adjustable-clock.ts'

export const nowMs = Date.parse('2026-03-04T12:00:00Z')

/** The conditions of a state. */
export function conditionsOf(
  state: 'Ready' | 'Reconciling' | 'Stalled' | 'Held',
  reason: string = state,
  lastTransitionMs = nowMs,
): Condition[] {
  const ready = state === 'Ready' ? 'True' : state === 'Held' ? 'Unknown' : 'False'
  const of = (type: Condition['type'], status: Condition['status']): Condition => ({
    ...{ type, status, reason, message: `${reason} happened`, lastTransitionMs },
  })
  return [
    of('Ready', ready),
    of('Reconciling', state === 'Reconciling' ? 'True' : 'False'),
    of('Stalled', state === 'Stalled' ? 'True' : 'False'),
  ]
}

/** An operator's view of one cluster, over records that a test names. `change` puts others in their place. */
export function clusterView(fields: {
  readonly records?: readonly InventoryRecord[]
  readonly declarations?: readonly Declaration[]
  readonly orders?: readonly (readonly [Key, Orders])[]
  readonly refusals?: readonly Refusal[]
  readonly problems?: readonly Problem[]
  readonly cluster?: string
}): ClusterView & { change(record: InventoryRecord): Promise<void> } {
  const { records = [], orders = [], refusals = [], problems = [], cluster } = fields
  const inventory = createMemoryInventory(
    {
      declared: records.map(declaredPart),
      managed: records.map(managedPart),
      orders,
      released: [],
    },
    (text) => text,
  )
  const declared = fields.declarations ?? records.map(({ declaration }) => declaration)
  const declarations = new Map(declared.map((each) => [keyOf(each), each]))
  const listeners = new Set<(change: ViewChange) => void>()
  inventory.onChange((key) => {
    for (const listener of listeners) listener({ keys: [key], topics: ['objects'] })
  })
  return {
    ...(cluster === undefined ? {} : { cluster }),
    nomadAddr: 'http://nomad:4646',
    records: inventory,
    declaration: (key) => declarations.get(key),
    declarations: () => declarations,
    absence: () => undefined,
    refusals: () => refusals,
    problems: () => problems,
    warnings: () => [],
    sources: () => [],
    known: () => ({
      ...{ inventory, declarations, region: 'global', nowMs },
      clock: { dateMs: nowMs, boot: 'boot-1', uptimeMs: 0 },
    }),
    order: async () => 'taken',
    readVolume: async () => undefined,
    readPlugin: async () => undefined,
    findOrphans: async () => ({ inStorage: [], inNomad: [], undeclared: [], unknown: [] }),
    activity: createActivityLogs({ clock: adjustableClock(), onError: () => {} }).of(cluster),
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async change(record) {
      declarations.set(record.key, record.declaration)
      await inventory.declare(declaredPart(record))
      await inventory.put(managedPart(record))
    },
  }
}

import type { Clock } from '../../lib/clock.ts'
import { errorMessage } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import type { AllowedIDs } from '../declare/allowed-ids.ts'
import type { Declaration } from '../declare/declaration.ts'
import { type Key, keyOf } from '../plan/identity.ts'
import { type OrderGiver, type Orders, withGiven } from '../plan/orders.ts'
import { beginRecord, type Inventory } from '../plan/ports.ts'
import type { Order } from './order.ts'
import { removalPlanners } from './plan-removal.ts'
import { restorePlanners } from './plan-restore.ts'
import { snapshotPlanners } from './plan-snapshots.ts'
import { instancesOf, suspendPlanners } from './plan-suspend.ts'
import { volumePlanners } from './plan-volume.ts'
import { type Known, type PlannedOrder, type Planners, type Question, refuse } from './planner.ts'

const planners: Planners = {
  ...suspendPlanners,
  ...removalPlanners,
  ...volumePlanners,
  ...restorePlanners,
  ...snapshotPlanners,
}

/** Decides what an order does. Pure. @throws UsageError where it is refused: why, and what to do */
export function planOrder(order: Order, known: Known): PlannedOrder {
  // The table's type says that this planner takes this order.
  const planner = planners[order.type] as (order: Order, known: Known) => PlannedOrder
  return planner(order, known)
}

/**
 * Takes an order: decides what it does, asks Nomad and the plugin where they must agree, and stores it.
 * @param by who gave it, as far as that is known; it is recorded with what the order did
 * @returns what to tell the person
 * @throws UsageError where the order is refused: why, and what to do. After any other error the order was neither
 * refused nor taken
 */
export type TakeOrder = (order: Order, by?: OrderGiver) => Promise<string>

export function createTakeOrder(options: {
  readonly inventory: Pick<
    Inventory,
    'get' | 'list' | 'declare' | 'put' | 'orders' | 'amendOrders' | 'released'
  >
  /** What the sources say. Where no operator runs, what the last one recorded. */
  readonly declarations: () => ReadonlyMap<Key, Declaration>
  readonly clock: Pick<Clock, 'now' | 'uptimeMs' | 'boot'>
  readonly region: string
  readonly allowedIDs?: AllowedIDs
  /** Says why Nomad or the plugin does not allow the order now; undefined where they do. Absent: nobody is asked. */
  readonly ask?: (question: Question) => Promise<string | undefined>
  /** Told of each identity that the order concerns, after it is stored. */
  readonly look?: (key: Key) => void
  /** Told of every order, taken or refused. */
  readonly log?: Pick<Log, 'info' | 'warn'>
}): TakeOrder {
  const { inventory, clock, region, allowedIDs, ask, look, log } = options

  async function take(order: Order, by: OrderGiver | undefined): Promise<string> {
    const declarations = options.declarations()
    const nowMs = clock.now()
    const reading = { dateMs: nowMs, boot: clock.boot, uptimeMs: clock.uptimeMs() }
    const known = { inventory, declarations, region, nowMs, clock: reading }
    const plan = planOrder(order, { ...known, ...(allowedIDs === undefined ? {} : { allowedIDs }) })
    const refusal = plan.question && (await ask?.(plan.question))
    if (refusal !== undefined) refuse(refusal)
    const { type, key } = order
    const given = { type, message: plan.message, ...(by === undefined ? {} : { by }), atMs: nowMs }
    const change = plan.change?.by ?? ((orders: Orders) => orders)
    const [begun] = plan.snapshots ?? []
    const changed = plan.change?.key ?? begun?.schedule?.schedule ?? key
    await inventory.amendOrders(changed, (orders) => withGiven(change(orders), given))
    for (const snapshot of plan.snapshots ?? []) await beginRecord(inventory, snapshot)
    for (const key of concerned(order.key, plan)) look?.(key)
    return plan.message
  }

  return async (order, by) => {
    const { type, key } = order
    try {
      const told = await take(order, by)
      log?.info({ key, order: type, by, told }, 'order taken')
      return told
    } catch (error) {
      log?.warn({ key, order: type, by, error: errorMessage(error) }, 'order not taken')
      throw error
    }
  }

  function concerned(key: Key, { change, snapshots = [] }: PlannedOrder): Key[] {
    const record = inventory.get(key)
    return [
      ...(change === undefined ? [] : [key]),
      ...instancesOf(key, { inventory, declarations: options.declarations() }).map(keyOf),
      // The schedule that made a snapshot decides whether it is kept.
      ...(record?.kind === 'Snapshot' && record.schedule ? [record.schedule.schedule] : []),
      ...snapshots.map((snapshot) => snapshot.key),
    ]
  }
}

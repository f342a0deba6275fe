import type { Declaration } from '../declare/declaration.ts'
import type { Clock } from '../lib/clock.ts'
import { UsageError } from '../lib/errors.ts'
import type { Key } from '../plan/identity.ts'
import { planDetachOrder, refuseRecreate } from '../plan/orders.ts'
import type { Inventory } from '../plan/ports.ts'

/**
 * Records what a person orders by a command, beside the declaration. Each returns what to tell them, and
 * rejects with a UsageError where the order makes no sense.
 * @param declaration what the sources say of an identity that no pass has looked at yet
 */
export function createOrders(
  inventory: Pick<Inventory, 'get' | 'orders' | 'amendOrders'>,
  clock: Pick<Clock, 'now'>,
  declaration: (key: Key) => Declaration | undefined,
): {
  suspend(key: Key): Promise<string>
  resume(key: Key): Promise<string>
  recreate(key: Key, lostExternalID: string): Promise<string>
  detach(key: Key, node: string): Promise<string>
} {
  function assertKnown(key: Key) {
    if (inventory.get(key) === undefined && declaration(key) === undefined) {
      throw new UsageError(`${key} is neither declared nor managed; mooring status lists what is`)
    }
  }
  return {
    async suspend(key) {
      assertKnown(key)
      await inventory.amendOrders(key, (orders) => ({ suspendedSinceMs: clock.now(), ...orders }))
      return `${key} is suspended: nothing is done until mooring resume`
    },
    async resume(key) {
      assertKnown(key)
      if (inventory.orders(key).suspendedSinceMs === undefined) {
        const isDeclared = (inventory.get(key)?.declaration ?? declaration(key))?.spec.suspend
        throw new UsageError(
          isDeclared
            ? `${key} is suspended by spec.suspend in its declaration: change it there`
            : `${key} is not suspended`,
        )
      }
      await inventory.amendOrders(key, ({ suspendedSinceMs: _, ...others }) => others)
      return `${key} goes on`
    },
    async recreate(key, lostExternalID) {
      assertKnown(key)
      const record = inventory.get(key)
      if (record?.kind !== 'Volume') throw new UsageError(`${key} cannot be recreated: only a volume can`)
      const refusal = refuseRecreate(record, lostExternalID)
      if (refusal !== undefined) throw new UsageError(`${key} is not recreated: ${refusal}`)
      await inventory.amendOrders(key, (orders) => ({
        ...orders,
        recreate: { externalID: lostExternalID, atMs: clock.now() },
      }))
      return `${key} gives up external volume "${lostExternalID}"; a new one takes its place if it is still gone`
    },
    async detach(key, node) {
      assertKnown(key)
      const record = inventory.get(key)
      if (record?.kind !== 'Volume') throw new UsageError(`${key} cannot be detached: only a volume can`)
      const order = planDetachOrder(record, node, clock.now())
      if (typeof order === 'string') throw new UsageError(`${key} is not detached: ${order}`)
      await inventory.amendOrders(key, (orders) => ({
        ...orders,
        detach: [...(orders.detach ?? []).filter(({ nodeID }) => nodeID !== order.nodeID), order],
      }))
      return `${key} is taken off node ${order.nodeID}, unless an allocation lives there that claims it`
    },
  }
}

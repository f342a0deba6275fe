import type { Declaration } from '../declare/declaration.ts'
import type { Clock } from '../lib/clock.ts'
import { UsageError } from '../lib/errors.ts'
import type { Key } from '../plan/identity.ts'
import { refuseRecreate } from '../plan/orders.ts'
import type { Inventory } from '../plan/ports.ts'

/**
 * Records what a person orders by a command, beside the declaration. Each returns what to tell them, and
 * throws a UsageError where the order makes no sense.
 * @param declaration what the sources say of an identity that no pass has looked at yet
 */
export function createOrders(
  inventory: Pick<Inventory, 'get' | 'orders' | 'setOrders'>,
  clock: Pick<Clock, 'now'>,
  declaration: (key: Key) => Declaration | undefined,
): {
  suspend(key: Key): string
  resume(key: Key): string
  recreate(key: Key, lostExternalID: string): string
} {
  function assertKnown(key: Key) {
    if (inventory.get(key) === undefined && declaration(key) === undefined) {
      throw new UsageError(`${key} is neither declared nor managed; mooring status lists what is`)
    }
  }
  return {
    suspend(key) {
      assertKnown(key)
      const { suspendedSinceMs = clock.now(), ...others } = inventory.orders(key)
      inventory.setOrders(key, { ...others, suspendedSinceMs })
      return `${key} is suspended: nothing is done until mooring resume`
    },
    resume(key) {
      assertKnown(key)
      const { suspendedSinceMs, ...others } = inventory.orders(key)
      if (suspendedSinceMs === undefined) {
        const isDeclared = (inventory.get(key)?.declaration ?? declaration(key))?.spec.suspend
        throw new UsageError(
          isDeclared
            ? `${key} is suspended by spec.suspend in its declaration: change it there`
            : `${key} is not suspended`,
        )
      }
      inventory.setOrders(key, others)
      return `${key} goes on`
    },
    recreate(key, lostExternalID) {
      assertKnown(key)
      const record = inventory.get(key)
      if (record?.kind !== 'Volume') throw new UsageError(`${key} cannot be recreated: only a volume can`)
      const refusal = refuseRecreate(record, lostExternalID)
      if (refusal !== undefined) throw new UsageError(`${key} is not recreated: ${refusal}`)
      const orders = inventory.orders(key)
      inventory.setOrders(key, {
        ...orders,
        recreate: { externalID: lostExternalID, atMs: clock.now() },
      })
      return `${key} gives up external volume "${lostExternalID}"; a new one takes its place if it is still gone`
    },
  }
}

import { noneAllowed } from '../declare/allowed-ids.ts'
import { explainForeignID, findForeignID, ownIDs } from '../plan/foreign-ids.ts'
import type { Key } from '../plan/identity.ts'
import { planDetachOrder, refuseRecreate } from '../plan/orders.ts'
import type { HostVolumeRecord, VolumeRecord } from '../plan/record.ts'
import { type Known, type Planner, type Planners, refuse, volumeOf } from './planner.ts'

const planRecreate: Planner<'recreate'> = ({ key, lostExternalID }, known) => {
  const record = recreatableOf(key, known)
  const refusal =
    refuseRecreate(record, lostExternalID) ??
    (record.kind === 'Volume' ? refuseForeignSource(record, known) : undefined)
  if (refusal !== undefined) return refuse(`${key} is not recreated: ${refusal}`)
  const recreate = { externalID: lostExternalID, atMs: known.nowMs }
  return {
    message: `${key} gives up ${record.kind === 'Volume' ? 'external volume' : 'host volume'} "${lostExternalID}". A new one takes its place if it is still gone`,
    change: { key, by: (orders) => ({ ...orders, recreate }) },
  }
}

function recreatableOf(key: Key, known: Known): VolumeRecord | HostVolumeRecord {
  const record = known.inventory.get(key)
  return record?.kind === 'HostVolume' ? record : volumeOf(key, known)
}

const planDetach: Planner<'detach'> = ({ key, node, allocations }, known) => {
  const record = volumeOf(key, known)
  const order = planDetachOrder(record, node, known.nowMs, allocations)
  if (typeof order === 'string') return refuse(`${key} is not detached: ${order}`)
  const { nodeID } = order
  return {
    message: `${key} is taken off node ${nodeID}, unless an allocation that claims it lives there`,
    change: {
      key,
      by: ({ detach = [], ...orders }) => ({
        ...orders,
        detach: [...detach.filter((other) => other.nodeID !== nodeID), order],
      }),
    },
    question: { about: 'detach', record, nodeID },
  }
}

/** Why the new volume could not be created: its declaration names an ID of somebody else's. */
function refuseForeignSource(
  { externalID: _, intent: __, ...record }: VolumeRecord,
  { inventory, allowedIDs = noneAllowed }: Known,
): string | undefined {
  const { spec, place } = record.declaration
  const own = () => ownIDs(spec.namespace, spec.pluginID, inventory.list(), inventory.released())
  const foreign = findForeignID(record, allowedIDs, own)
  return foreign && explainForeignID(foreign, allowedIDs, place)
}

export const volumePlanners = {
  recreate: planRecreate,
  detach: planDetach,
} satisfies Partial<Planners>

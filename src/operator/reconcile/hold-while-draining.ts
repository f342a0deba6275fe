import type { Volume } from '../../wire/volume.ts'
import { type Decision, wait } from '../plan/decision.ts'
import type { VolumeRecord } from '../plan/record.ts'
import type { ReconcileContext } from './context.ts'
import { claimNodesOf } from './gather-detach.ts'

const drainPollMs = 15_000

/**
 * Puts off the growing of a volume while a node that a claim of it is on drains: its file system would be grown
 * there in the middle of the move. A drain ends by itself, and a delete waits for the claims anyway.
 */
export async function holdWhileDraining(
  { observer }: ReconcileContext,
  decision: Decision,
  record: VolumeRecord,
  volume: Volume | undefined,
): Promise<Decision> {
  if (decision.step !== 'expand-volume' || volume === undefined) return decision
  const nodeIDs = [...new Set(Object.values(claimNodesOf(volume, record)))]
  if (nodeIDs.length === 0) return decision
  // A token that may not read nodes is no reason to grow nothing.
  const nodes = await observer.nodes().catch(() => undefined)
  const draining = nodeIDs.filter((nodeID) => nodes?.get(nodeID)?.Drain)
  if (draining.length === 0) return decision
  const where = `node${draining.length === 1 ? '' : 's'} ${draining.sort().join(', ')}`
  return wait(
    'NodeDraining',
    `grows once ${where}, where it is in use, no longer ${draining.length === 1 ? 'drains' : 'drain'}`,
    drainPollMs,
  )
}

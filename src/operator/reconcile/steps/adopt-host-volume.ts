import { momentOf } from '../../../lib/clock.ts'
import type { HostVolumeStep } from '../host-volume-seen.ts'

/** Records a volume that Nomad has: one that was there before, or one that a create with a lost answer made. */
export const adoptHostVolume: HostVolumeStep = {
  async act({ context, record, planned: { adopts } }) {
    if (adopts === undefined) throw new Error(`${record.key}: nothing to adopt`)
    const { intent: _, ...rest } = record
    return { ...rest, externalID: adopts.ID, nodeID: adopts.NodeID, identified: momentOf(context.clock) }
  },
}

import { momentOf } from '../../../lib/clock.ts'
import { OperationError } from '../../../lib/errors.ts'
import { newHostVolumeRequest } from '../../plan/host-volume-request.ts'
import { beginIntent } from '../begin-intent.ts'
import type { HostVolumeStep } from '../host-volume-seen.ts'
import { intentAfterFailure } from '../intent-after-failure.ts'

/**
 * Creates the volume once. Nomad makes a new volume for each create, so the request names the node, and is stored before
 * the call. A repeat sends the same request, after a read has shown that this node has no volume of the name.
 */
export const createHostVolume: HostVolumeStep = {
  intend({ context, record, planned: { node } }) {
    const request = record.intent?.request ?? (node && newHostVolumeRequest(record.declaration.spec, node))
    if (request === undefined) throw new Error(`${record.key}: no node was chosen`)
    return { ...record, intent: beginIntent(context, request, record.intent) }
  },
  async act({ context, record, signal }) {
    const { intent, ...rest } = record
    if (intent === undefined) throw new Error(`${record.key}: nothing to create`)
    const { namespace } = record.declaration.spec
    try {
      const { ID, NodeID } = await context.api.createHostVolume(
        { ...intent.request, Namespace: namespace },
        signal,
      )
      if (ID === '' || NodeID !== intent.request.NodeID)
        throw new OperationError(
          `Nomad answered the create for node ${intent.request.NodeID} with host volume "${ID}" on node "${NodeID}"`,
          { kind: 'ambiguous', reason: 'InvalidAnswer' },
        )
      return { ...rest, externalID: ID, nodeID: NodeID, identified: momentOf(context.clock) }
    } finally {
      context.observer.invalidateHostVolumes(namespace)
    }
  },
  afterFailure({ record, before }, error) {
    // A refused repeat says nothing of the first call: the node stays chosen, or a second volume could be made elsewhere.
    const isRepeat = before.intent !== undefined
    return { record: isRepeat ? record : intentAfterFailure(record, before, error) }
  },
}

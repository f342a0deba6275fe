import type { NomadClient } from '../nomad/client.ts'
import type { Question } from './orders/planner.ts'
import type { RestoreSource, VolumeRecord } from './plan/record.ts'
import { refuseRestore } from './plan/restore-plan.ts'
import { findRestoreSource } from './reconcile/gather-restore.ts'

/**
 * Asks Nomad and the plugin whether an order can be carried out now.
 * @returns for the person, why it cannot; undefined where it can
 */
export function createAskOutside(
  client: Pick<
    NomadClient,
    'readVolume' | 'readPlugin' | 'listSnapshots' | 'listExternalVolumes' | 'listAllocations'
  >,
): (question: Question) => Promise<string | undefined> {
  async function whyNoRestore(record: VolumeRecord, source: RestoreSource): Promise<string | undefined> {
    const { namespace, volumeID, pluginID } = record.declaration.spec
    const [volume, plugin] = await Promise.all([
      client.readVolume(namespace, volumeID),
      client.readPlugin(pluginID),
    ])
    const lists = { snapshots: client.listSnapshots, externalVolumes: client.listExternalVolumes }
    const found = await findRestoreSource(lists, plugin, source)
    const why = refuseRestore(record, source, { volume, plugin, source: found, unreadable: [] })
    return why === undefined ? undefined : `${record.key} is not restored: ${why}`
  }

  /** Where Nomad itself says that an allocation lives on the node, the node is not dead. */
  async function whyNoDetach(record: VolumeRecord, nodeID: string): Promise<string | undefined> {
    const { claims = [] } = record.status
    const allocations = await client.listAllocations(record.declaration.spec.namespace)
    const living = claims.filter((id) => {
      const allocation = allocations.get(id)
      return allocation?.NodeID === nodeID && ['running', 'pending'].includes(allocation.ClientStatus)
    })
    return living.length === 0
      ? undefined
      : `${record.key} is not detached: Nomad counts allocation ${living.join(', ')} on that node as living. Stop it, or wait until Nomad gives it up`
  }

  return (question) =>
    question.about === 'restore'
      ? whyNoRestore(question.record, question.source)
      : whyNoDetach(question.record, question.nodeID)
}

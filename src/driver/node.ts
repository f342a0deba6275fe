import { lstat } from 'node:fs/promises'
import type { NodeDefinition } from '../csi/generated/csi/v1/Node.ts'
import type { _csi_v1_NodeServiceCapability_RPC_Type__Output as NodeCapability } from '../csi/generated/csi/v1/NodeServiceCapability.ts'
import { measureBytes } from './copy-data.ts'
import { describeCondition } from './describe.ts'
import type { DriverContext } from './driver-context.ts'
import { invalidArgument, notFound } from './driver-error.ts'
import { resizeLoopDevices } from './loop-devices.ts'
import { publishVolume, stageVolume, unpublishVolume, unstageVolume } from './node-volume.ts'
import { isPublished } from './publish-target.ts'
import type { VolumeRecord } from './records.ts'
import type { Handlers } from './serve.ts'
import { getVolume } from './volume-lookup.ts'

const announced: readonly NodeCapability[] = [
  'STAGE_UNSTAGE_VOLUME',
  'GET_VOLUME_STATS',
  'EXPAND_VOLUME',
  'VOLUME_CONDITION',
  'SINGLE_NODE_MULTI_WRITER',
]

export function createNodeHandlers(context: DriverContext): Handlers<NodeDefinition> {
  const { pool, nodeID, topology } = context
  const hasTopology = Object.keys(topology).length > 0
  return {
    NodeGetInfo: async () => ({
      nodeId: nodeID,
      ...(hasTopology && { accessibleTopology: { segments: { ...topology } } }),
    }),
    NodeGetCapabilities: async () => ({ capabilities: announced.map((type) => ({ rpc: { type } })) }),
    NodeStageVolume: (request) => stageVolume(context, request),
    NodeUnstageVolume: (request) => unstageVolume(context, request),
    NodePublishVolume: (request) => publishVolume(context, request),
    NodeUnpublishVolume: (request) => unpublishVolume(context, request),

    async NodeGetVolumeStats({ volumeId, volumePath }) {
      const volume = getVolumeAt(context, volumeId, volumePath)
      const publication = volume.publications.find(({ path }) => path === volumePath)
      const condition = describeCondition(context, volume)
      if (publication !== undefined && !condition.abnormal && !(await isPublished(publication))) {
        return {
          volumeCondition: { abnormal: true, message: `it is not to be seen at ${volumePath} any more` },
        }
      }
      if (condition.abnormal) return { volumeCondition: condition }
      const path = pool.volumePath(volume.id)
      const usedBytes = volume.kind === 'mount' ? await measureBytes(path) : (await lstat(path)).blocks * 512
      const totalBytes = volume.capacityBytes === 0 ? context.ledger.totalBytes() : volume.capacityBytes
      return {
        usage: [
          {
            unit: 'BYTES',
            total: BigInt(totalBytes),
            used: BigInt(usedBytes),
            available: BigInt(Math.max(0, totalBytes - usedBytes)),
          },
        ],
        volumeCondition: condition,
      }
    },
    async NodeExpandVolume({ volumeId, volumePath }) {
      const volume = getVolumeAt(context, volumeId, volumePath)
      // The controller made the file bigger; its devices have to look again.
      if (volume.kind === 'block') await resizeLoopDevices(context.files, pool.volumePath(volume.id))
      return { capacityBytes: BigInt(volume.capacityBytes) }
    },
  }
}

/** @throws DriverError NOT_FOUND unless the volume is published or staged at the path */
function getVolumeAt({ pool }: DriverContext, id: string, path: string): VolumeRecord {
  if (id === '') throw invalidArgument('volume_id is required')
  if (path === '') throw invalidArgument('volume_path is required')
  const volume = getVolume(pool, id)
  const isThere = [...volume.publications, ...volume.stagings].some((place) => place.path === path)
  if (!isThere) throw notFound(`volume ${id} is neither published nor staged at ${path}`)
  return volume
}

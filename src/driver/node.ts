import { lstat } from 'node:fs/promises'
import { isAbsolute } from 'node:path'
import type { NodeDefinition } from '../csi/generated/csi/v1/Node.ts'
import type { _csi_v1_NodeServiceCapability_RPC_Type__Output as NodeCapability } from '../csi/generated/csi/v1/NodeServiceCapability.ts'
import { measureBytes } from './copy-data.ts'
import { describeCondition } from './describe.ts'
import type { DriverContext } from './driver-context.ts'
import { invalidArgument, notFound } from './driver-error.ts'
import { resizeLoopDevices } from './loop-devices.ts'
import { publishVolume, stageVolume, unpublishVolume, unstageVolume } from './node-volume.ts'
import type { VolumeRecord } from './records.ts'
import type { Handlers } from './serve.ts'
import { canonicalPath } from './target-path.ts'
import { getVolume } from './volume-lookup.ts'
import { isPublished } from './volume-use.ts'

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
      const { volume, publication } = await getVolumeAt(context, volumeId, volumePath)
      const condition = describeCondition(context, volume)
      if (
        publication !== undefined &&
        !condition.abnormal &&
        !(await isPublished(pool, volume, publication))
      ) {
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
      const { volume } = await getVolumeAt(context, volumeId, volumePath)
      // The controller made the file bigger. Its devices have to look again.
      if (volume.kind === 'block') await resizeLoopDevices(context.files, pool.volumePath(volume.id))
      return { capacityBytes: BigInt(volume.capacityBytes) }
    },
  }
}

/** @throws DriverError NOT_FOUND unless the volume is published or staged at the path */
async function getVolumeAt(
  { pool }: DriverContext,
  id: string,
  volumePath: string,
): Promise<{ volume: VolumeRecord; publication: VolumeRecord['publications'][number] | undefined }> {
  if (id === '') throw invalidArgument('volume_id is required')
  if (volumePath === '') throw invalidArgument('volume_path is required')
  const volume = getVolume(pool, id)
  // Nothing is ever at a relative path.
  const path = isAbsolute(volumePath) ? await canonicalPath('volume_path', volumePath) : ''
  const publication = volume.publications.find((present) => present.path === path)
  const isThere = publication !== undefined || volume.stagings.some((staging) => staging.path === path)
  if (!isThere) throw notFound(`volume ${id} is neither published nor staged at ${volumePath}`)
  return { volume, publication }
}

import type { ControllerDefinition } from '../csi/generated/csi/v1/Controller.ts'
import type { _csi_v1_ControllerServiceCapability_RPC_Type__Output as ControllerCapability } from '../csi/generated/csi/v1/ControllerServiceCapability.ts'
import { attachVolume, detachVolume } from './attach.ts'
import { createVolume } from './create-volume.ts'
import { deleteVolume } from './delete-volume.ts'
import { describeSnapshot, describeStatus, describeVolume } from './describe.ts'
import type { DriverContext } from './driver-context.ts'
import { invalidArgument, notFound } from './driver-error.ts'
import { expandVolume } from './expand-volume.ts'
import { checkMutableParameters, modifyVolume } from './mutable-parameters.ts'
import { cutPage } from './paging.ts'
import type { Handlers } from './serve.ts'
import { createSnapshot, deleteSnapshot } from './snapshots.ts'
import { isWithin } from './topology.ts'
import { parseCapabilities, parseCapability, unsupportedReason } from './volume-capability.ts'
import { findCovers } from './volume-data.ts'
import { findSnapshot, getVolume, isKnown, listVolumes } from './volume-lookup.ts'

const announced: readonly ControllerCapability[] = [
  'CREATE_DELETE_VOLUME',
  'PUBLISH_UNPUBLISH_VOLUME',
  'LIST_VOLUMES_PUBLISHED_NODES',
  'SINGLE_NODE_MULTI_WRITER',
  'LIST_VOLUMES',
  'GET_VOLUME',
  'VOLUME_CONDITION',
  'GET_CAPACITY',
  'CREATE_DELETE_SNAPSHOT',
  'LIST_SNAPSHOTS',
  'GET_SNAPSHOT',
  'CLONE_VOLUME',
  'EXPAND_VOLUME',
  'MODIFY_VOLUME',
]

export function createControllerHandlers(context: DriverContext): Handlers<ControllerDefinition> {
  const { pool } = context
  const capabilities = [
    ...announced,
    ...(context.publishMethod === 'bind' ? ['PUBLISH_READONLY' as const] : []),
  ]
  return {
    ControllerGetCapabilities: async () => ({
      capabilities: capabilities.map((type) => ({ rpc: { type } })),
    }),
    CreateVolume: (request) => createVolume(context, request),
    DeleteVolume: ({ volumeId }) => deleteVolume(context, volumeId),
    ControllerPublishVolume: (request) => attachVolume(context, request),
    ControllerUnpublishVolume: (request) => detachVolume(context, request),
    ControllerExpandVolume: (request) => expandVolume(context, request),
    ControllerModifyVolume: (request) => modifyVolume(context, request),

    async ListVolumes({ maxEntries, startingToken }) {
      const volumes = await listVolumes(pool)
      const page = cutPage(volumes, ({ id }) => id, { maxEntries, startingToken })
      const covers = findCovers(pool)
      return {
        entries: page.items.map((volume) => ({
          volume: describeVolume(context, volume),
          status: describeStatus(context, volume, covers),
        })),
        nextToken: page.nextToken,
      }
    },
    async ControllerGetVolume({ volumeId }) {
      const volume = getVolume(pool, volumeId)
      return { volume: describeVolume(context, volume), status: describeStatus(context, volume) }
    },
    async ValidateVolumeCapabilities(request) {
      if (request.volumeId === '') throw invalidArgument('volume_id is required')
      const capabilities = parseCapabilities(request.volumeCapabilities)
      const volume = getVolume(pool, request.volumeId)
      const reasons = capabilities.map((capability) =>
        capability.kind === volume.kind
          ? unsupportedReason(capability, context)
          : `volume ${volume.id} is a ${volume.kind} volume`,
      )
      const reason = reasons.find((text) => text !== undefined)
      if (reason !== undefined) return { message: reason }
      const { volumeContext, volumeCapabilities, parameters, mutableParameters } = request
      checkMutableParameters(mutableParameters)
      return { confirmed: { volumeContext, volumeCapabilities, parameters, mutableParameters } }
    },
    async GetCapacity({ volumeCapabilities, accessibleTopology }) {
      const isServed = volumeCapabilities
        .map((capability) => parseCapability(capability))
        .every((capability) => unsupportedReason(capability, context) === undefined)
      const isHere = isWithin(context.topology, accessibleTopology?.segments ?? {})
      const availableBytes = isServed && isHere ? context.ledger.availableBytes() : 0
      return {
        availableCapacity: BigInt(availableBytes),
        maximumVolumeSize: { value: BigInt(availableBytes) },
      }
    },

    CreateSnapshot: (request) => createSnapshot(context, request),
    DeleteSnapshot: ({ snapshotId }) => deleteSnapshot(context, snapshotId),
    async ListSnapshots({ maxEntries, startingToken, sourceVolumeId, snapshotId }) {
      const snapshots = pool.snapshots
        .list()
        .filter(
          (snapshot) =>
            isKnown(pool, snapshot) &&
            (sourceVolumeId === '' || snapshot.sourceVolumeID === sourceVolumeId) &&
            (snapshotId === '' || snapshot.id === snapshotId),
        )
      const page = cutPage(snapshots, ({ id }) => id, { maxEntries, startingToken })
      return {
        entries: page.items.map((snapshot) => ({ snapshot: describeSnapshot(context, snapshot) })),
        nextToken: page.nextToken,
      }
    },
    async GetSnapshot({ snapshotId }) {
      if (snapshotId === '') throw invalidArgument('snapshot_id is required')
      const snapshot = findSnapshot(pool, snapshotId)
      if (snapshot === undefined) throw notFound(`there is no snapshot ${JSON.stringify(snapshotId)}`)
      return { snapshot: describeSnapshot(context, snapshot) }
    },
  }
}

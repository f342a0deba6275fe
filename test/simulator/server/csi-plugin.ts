/** What a CSI plugin answers to each RPC, over the provider's disks and one node's mounts. */
import { status } from '@grpc/grpc-js'
import type { RpcName } from '../../../src/csi/deadlines.ts'
import type { ControllerExpandVolumeRequest__Output as ExpandRequest } from '../../../src/csi/generated/csi/v1/ControllerExpandVolumeRequest.ts'
import type { CreateSnapshotRequest__Output as SnapshotRequest } from '../../../src/csi/generated/csi/v1/CreateSnapshotRequest.ts'
import type { CreateVolumeRequest__Output as CreateRequest } from '../../../src/csi/generated/csi/v1/CreateVolumeRequest.ts'
import type { NodePublishVolumeRequest__Output as PublishRequest } from '../../../src/csi/generated/csi/v1/NodePublishVolumeRequest.ts'
import type { ValidateVolumeCapabilitiesRequest__Output as ValidateRequest } from '../../../src/csi/generated/csi/v1/ValidateVolumeCapabilitiesRequest.ts'
import { OperationError } from '../../../src/lib/errors.ts'
import { epochMs } from '../world/nomad.ts'
import type { Disk, DiskSnapshot, SimulatedPlugin } from '../world/plugin.ts'
import type { ServerHistory } from './history.ts'

/** What the plugin refuses, as gRPC has it. */
export class PluginRefusal extends Error {
  readonly code: status
  constructor(code: status, details: string) {
    super(details)
    this.code = code
  }
}

export interface Mount {
  readonly externalID: string
  readonly isReadOnly: boolean
}

/** The one node: what is attached to it, staged and mounted. */
export interface NodeService {
  readonly attached: ReadonlySet<string>
  readonly mounts: ReadonlyMap<string, Mount>
  /** A mount goes behind the plugin's back. */
  unmount(target: string): void
  /** Nothing is mounted any more. What the provider has attached stays. */
  reboot(): void
}

export const externalNodeID = 'this-machine'

type Answers = { readonly [Name in RpcName]?: (request: never) => object }

export function createCsiPlugin(options: {
  readonly plugin: SimulatedPlugin
  readonly history: ServerHistory
  readonly nowMs: () => number
  /** Namespace/ID of the volume that a CSI name was asked for. */
  readonly askedFor: (name: string) => string
  /** It deletes a volume that is attached, which others refuse. */
  readonly deletesInUse: boolean
}): { readonly answers: Answers; readonly node: NodeService } {
  const { plugin, history, nowMs, askedFor, deletesInUse } = options
  const attached = new Set<string>()
  const staged = new Map<string, string>()
  const mounts = new Map<string, Mount>()

  const isMounted = (externalID: string) =>
    [...mounts.values()].some((mount) => mount.externalID === externalID)
  const diskOf = (externalID: string) => {
    const disk = plugin.disks.get(externalID)
    if (disk === undefined) throw new PluginRefusal(status.NOT_FOUND, `no volume ${externalID}`)
    return disk
  }
  const unmount = (target: string, by: 'the server' | 'the machine') => {
    const mount = mounts.get(target)
    if (mount === undefined) return
    mounts.delete(target)
    history.record({ type: 'unmounted', externalID: mount.externalID, target, by })
  }

  const answers: Answers = {
    Probe: () => ({ ready: { value: true } }),
    GetPluginInfo: () => ({ name: 'directories.csi.example.com', vendorVersion: '1.0.0' }),
    GetPluginCapabilities: () => ({ capabilities: [{ service: { type: 'CONTROLLER_SERVICE' } }] }),
    ControllerGetCapabilities: () => ({
      capabilities: [
        'CREATE_DELETE_VOLUME',
        'PUBLISH_UNPUBLISH_VOLUME',
        'CREATE_DELETE_SNAPSHOT',
        'CLONE_VOLUME',
        'EXPAND_VOLUME',
        'GET_VOLUME',
        ...(plugin.habits.listsVolumes ? ['LIST_VOLUMES', 'LIST_VOLUMES_PUBLISHED_NODES'] : []),
        ...(plugin.habits.listsSnapshots ? ['LIST_SNAPSHOTS'] : []),
      ].map((type) => ({ rpc: { type } })),
    }),
    NodeGetInfo: () => ({ nodeId: externalNodeID }),
    NodeGetCapabilities: () => ({ capabilities: [{ rpc: { type: 'STAGE_UNSTAGE_VOLUME' } }] }),

    CreateVolume({ name, capacityRange, volumeContentSource: source }: CreateRequest) {
      const disk = plugin.create({
        name,
        at: askedFor(name),
        sizeBytes: Number(capacityRange?.requiredBytes ?? 0n),
        snapshotID: source?.snapshot?.snapshotId ?? '',
        cloneID: source?.volume?.volumeId ?? '',
      })
      return { volume: { ...presentDisk(disk), contentSource: source } }
    },
    DeleteVolume({ volumeId }: { volumeId: string }) {
      if (!deletesInUse && (attached.has(volumeId) || isMounted(volumeId)))
        throw new PluginRefusal(status.FAILED_PRECONDITION, `volume ${volumeId} is in use`)
      plugin.delete(
        volumeId,
        'Mooring',
        [...mounts.values()].some((mount) => mount.externalID === volumeId && !mount.isReadOnly),
      )
      return {}
    },
    ControllerExpandVolume({ volumeId, capacityRange }: ExpandRequest) {
      diskOf(volumeId)
      const { sizeBytes } = plugin.expand(volumeId, Number(capacityRange?.requiredBytes ?? 0n))
      return { capacityBytes: sizeBytes, nodeExpansionRequired: false }
    },
    ValidateVolumeCapabilities({ volumeId, volumeCapabilities }: ValidateRequest) {
      diskOf(volumeId)
      return { confirmed: { volumeCapabilities } }
    },
    ControllerGetVolume: ({ volumeId }: { volumeId: string }) => ({
      volume: presentDisk(diskOf(volumeId)),
      status: { publishedNodeIds: attached.has(volumeId) ? [externalNodeID] : [] },
    }),
    ListVolumes: () => ({
      entries: plugin.listDisks().map((disk) => ({
        volume: presentDisk(disk),
        status: { publishedNodeIds: attached.has(disk.externalID) ? [externalNodeID] : [] },
      })),
    }),

    ControllerPublishVolume({ volumeId }: { volumeId: string }) {
      diskOf(volumeId)
      attached.add(volumeId)
      history.record({ type: 'attached', externalID: volumeId })
      return { publishContext: {} }
    },
    ControllerUnpublishVolume({ volumeId }: { volumeId: string }) {
      attached.delete(volumeId)
      history.record({ type: 'taken off', externalID: volumeId })
      return {}
    },
    NodeStageVolume({ volumeId, stagingTargetPath }: { volumeId: string; stagingTargetPath: string }) {
      diskOf(volumeId)
      if (!attached.has(volumeId))
        throw new PluginRefusal(status.FAILED_PRECONDITION, `${volumeId} is not attached`)
      staged.set(stagingTargetPath, volumeId)
      return {}
    },
    NodeUnstageVolume({ volumeId, stagingTargetPath }: { volumeId: string; stagingTargetPath: string }) {
      if (isMounted(volumeId))
        throw new PluginRefusal(status.FAILED_PRECONDITION, `${volumeId} is still mounted`)
      staged.delete(stagingTargetPath)
      return {}
    },
    NodePublishVolume({ volumeId, targetPath, stagingTargetPath, readonly }: PublishRequest) {
      diskOf(volumeId)
      if (staged.get(stagingTargetPath) !== volumeId)
        throw new PluginRefusal(
          status.FAILED_PRECONDITION,
          `${volumeId} is not staged at ${stagingTargetPath}`,
        )
      if (!mounts.has(targetPath)) {
        mounts.set(targetPath, { externalID: volumeId, isReadOnly: readonly })
        history.record({ type: 'mounted', externalID: volumeId, target: targetPath, isReadOnly: readonly })
      }
      if (!readonly) plugin.write(volumeId)
      return {}
    },
    NodeUnpublishVolume({ targetPath }: { targetPath: string }) {
      unmount(targetPath, 'the server')
      return {}
    },

    CreateSnapshot({ name, sourceVolumeId }: SnapshotRequest) {
      diskOf(sourceVolumeId)
      return { snapshot: presentSnapshot(plugin.snapshot(name, sourceVolumeId), nowMs()) }
    },
    DeleteSnapshot({ snapshotId }: { snapshotId: string }) {
      plugin.deleteSnapshot(snapshotId, 'Mooring')
      return {}
    },
    ListSnapshots: () => ({
      entries: plugin.listSnapshots().map((each) => ({ snapshot: presentSnapshot(each, nowMs()) })),
    }),
  }

  return {
    answers,
    node: {
      attached,
      mounts,
      unmount: (target) => unmount(target, 'the machine'),
      reboot() {
        staged.clear()
        for (const target of [...mounts.keys()]) unmount(target, 'the machine')
      },
    },
  }
}

/** What the provider's part refuses, as gRPC has it. */
export function refusalOf(error: unknown): PluginRefusal {
  if (error instanceof PluginRefusal) return error
  if (!(error instanceof OperationError)) throw error
  const [, name = '', details = ''] = /code = (\w+) desc = (.*)/.exec(error.message) ?? []
  const code = codes[name]
  return code === undefined
    ? new PluginRefusal(status.FAILED_PRECONDITION, error.message)
    : new PluginRefusal(code, details)
}

const codes: Readonly<Record<string, status>> = {
  InvalidArgument: status.INVALID_ARGUMENT,
  NotFound: status.NOT_FOUND,
  AlreadyExists: status.ALREADY_EXISTS,
}

const presentDisk = ({ externalID, sizeBytes }: Disk) => ({
  volumeId: externalID,
  capacityBytes: sizeBytes,
  volumeContext: { disk: externalID },
})

const presentSnapshot = (snapshot: DiskSnapshot, nowMs: number) => ({
  snapshotId: snapshot.snapshotID,
  sourceVolumeId: snapshot.externalID,
  sizeBytes: 1000,
  creationTime: { seconds: Math.floor((epochMs + snapshot.takenAtMs) / 1000), nanos: 0 },
  readyToUse: nowMs >= snapshot.readyAtMs,
})

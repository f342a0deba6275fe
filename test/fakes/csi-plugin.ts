import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Server, ServerCredentials, type sendUnaryData, status, type UntypedHandleCall } from '@grpc/grpc-js'
import { loadContract } from '../../src/csi/contract.ts'
import type { RpcName } from '../../src/csi/deadlines.ts'
import type { CreateSnapshotRequest__Output } from '../../src/csi/generated/csi/v1/CreateSnapshotRequest.ts'
import type { CreateVolumeRequest__Output } from '../../src/csi/generated/csi/v1/CreateVolumeRequest.ts'

/** What a call answers instead of its result: an error, or nothing until `release`. */
export type Fault =
  | { readonly code: status; readonly details: string }
  /** The work is done, and the answer never comes. */
  | { readonly after: 'hang' }
  | { readonly hold: Promise<void> }

export interface FakeVolume {
  readonly id: string
  readonly name: string
  capacityBytes: bigint
}

/**
 * A CSI plugin in memory, over a real unix socket, for faults that a real driver cannot be made to show. It
 * keeps what it has while it is stopped and started again, as a driver over a disk does.
 */
export interface FakePlugin {
  readonly endpoint: string
  readonly volumes: Map<string, FakeVolume>
  readonly snapshots: Map<string, { id: string; name: string; sourceVolumeId: string }>
  /** Every call so far, in order. */
  readonly calls: { readonly rpc: RpcName; readonly request: unknown }[]
  /** The faults of the next calls of an RPC, first to last. */
  failNext(rpc: RpcName, ...faults: Fault[]): void
  /** Changes what an RPC answers, for answers that break CSI. */
  readonly tampered: Map<RpcName, (answer: never) => unknown>
  ready: boolean
  capabilities: Set<string>
  /** Whether it says that its volumes are at places; each is then at the first one that is asked for. */
  topology: boolean
  /** What an expansion answers. */
  nodeExpansionRequired: boolean
  start(): Promise<void>
  /** Cuts every connection. */
  stop(): Promise<void>
  /** Stops, and removes the socket's directory. */
  dispose(): Promise<void>
}

const refuse = (code: status, details: string) => Object.assign(new Error(details), { code, details })

/** @param socket where to listen; default: in a directory of its own */
export async function startFakePlugin(socket?: string): Promise<FakePlugin> {
  const directory = mkdtempSync(join(tmpdir(), 'csi-'))
  const endpoint = `unix://${socket ?? join(directory, 'csi.sock')}`
  const faults = new Map<RpcName, Fault[]>()
  let server: Server | undefined

  const plugin: FakePlugin = {
    endpoint,
    volumes: new Map(),
    snapshots: new Map(),
    calls: [],
    tampered: new Map(),
    ready: true,
    nodeExpansionRequired: false,
    topology: false,
    capabilities: new Set([
      'CREATE_DELETE_VOLUME',
      'LIST_VOLUMES',
      'CREATE_DELETE_SNAPSHOT',
      'LIST_SNAPSHOTS',
      'CLONE_VOLUME',
      'EXPAND_VOLUME',
      'PUBLISH_UNPUBLISH_VOLUME',
      'GET_VOLUME',
    ]),
    failNext(rpc, ...next) {
      faults.set(rpc, [...(faults.get(rpc) ?? []), ...next])
    },
    async start() {
      const { identity, controller, node } = loadContract()
      server = new Server()
      for (const service of [identity, controller, node]) {
        const handlers = Object.keys(service).map((name) => [name, handle(name as RpcName)])
        server.addService(service, Object.fromEntries(handlers) as Record<string, UntypedHandleCall>)
      }
      const bound = server
      await new Promise<void>((resolve, reject) =>
        bound.bindAsync(endpoint, ServerCredentials.createInsecure(), (error) =>
          error ? reject(error) : resolve(),
        ),
      )
    },
    async stop() {
      server?.forceShutdown()
      server = undefined
    },
    async dispose() {
      await plugin.stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }

  function handle(rpc: RpcName) {
    return async ({ request }: { request: never }, callback: sendUnaryData<unknown>) => {
      plugin.calls.push({ rpc, request })
      const fault = faults.get(rpc)?.shift()
      if (fault !== undefined && 'code' in fault) return callback(refuse(fault.code, fault.details))
      try {
        if (fault !== undefined && 'hold' in fault) await fault.hold
        const work: ((request: never) => unknown) | undefined = answers[rpc]
        if (work === undefined) throw refuse(status.UNIMPLEMENTED, `the fake has no ${rpc}`)
        const done = work(request)
        const answer = plugin.tampered.get(rpc)?.(done as never) ?? done
        if (fault !== undefined && 'after' in fault) return
        callback(null, answer)
      } catch (error) {
        callback(error as ReturnType<typeof refuse>)
      }
    }
  }

  const page = <Item>(
    items: Item[],
    { maxEntries, startingToken }: { maxEntries: number; startingToken: string },
  ) => {
    const start = startingToken === '' ? 0 : Number(startingToken)
    if (!Number.isInteger(start)) throw refuse(status.ABORTED, 'no such token')
    const end = maxEntries === 0 ? items.length : start + maxEntries
    return { entries: items.slice(start, end), nextToken: end < items.length ? String(end) : '' }
  }
  const present = ({ id, capacityBytes }: FakeVolume) => ({
    volumeId: id,
    capacityBytes,
    volumeContext: { pool: 'fake' },
  })

  const answers: { readonly [Name in RpcName]?: (request: never) => unknown } = {
    Probe: () => ({ ready: { value: plugin.ready } }),
    GetPluginInfo: () => ({ name: 'fake.csi.mooring.dev', vendorVersion: '1.2.3' }),
    GetPluginCapabilities: () => ({
      capabilities: [
        'CONTROLLER_SERVICE',
        ...(plugin.topology ? ['VOLUME_ACCESSIBILITY_CONSTRAINTS'] : []),
      ].map((type) => ({ service: { type } })),
    }),
    ControllerGetCapabilities: () => ({
      capabilities: [...plugin.capabilities].map((type) => ({ rpc: { type } })),
    }),
    NodeGetInfo: () => ({ nodeId: 'fake-node' }),
    NodeGetCapabilities: () => ({
      capabilities: ['STAGE_UNSTAGE_VOLUME', 'EXPAND_VOLUME'].map((type) => ({ rpc: { type } })),
    }),
    ControllerPublishVolume: () => ({ publishContext: { device: 'fake' } }),
    ControllerUnpublishVolume: () => ({}),
    NodeStageVolume: () => ({}),
    NodeUnstageVolume: () => ({}),
    NodePublishVolume: ({ targetPath }: { targetPath: string }) => {
      symlinkSync(directory, targetPath)
      return {}
    },
    NodeUnpublishVolume: ({ targetPath }: { targetPath: string }) => {
      rmSync(targetPath, { force: true })
      return {}
    },
    CreateVolume: (request: CreateVolumeRequest__Output) => {
      const capacityBytes = request.capacityRange?.requiredBytes || 1n << 20n
      const existing = [...plugin.volumes.values()].find(({ name }) => name === request.name)
      if (existing !== undefined && existing.capacityBytes < capacityBytes) {
        throw refuse(status.ALREADY_EXISTS, 'the volume is smaller')
      }
      const volume = existing ?? {
        id: `ext-${plugin.volumes.size + 1}-${request.name}`,
        name: request.name,
        capacityBytes,
      }
      plugin.volumes.set(volume.id, volume)
      const [place] = request.accessibilityRequirements?.requisite ?? []
      return { volume: { ...present(volume), accessibleTopology: place === undefined ? [] : [place] } }
    },
    DeleteVolume: ({ volumeId }: { volumeId: string }) => {
      plugin.volumes.delete(volumeId)
      return {}
    },
    ValidateVolumeCapabilities: (request: { volumeId: string; volumeCapabilities: unknown }) => {
      if (!plugin.volumes.has(request.volumeId)) throw refuse(status.NOT_FOUND, 'no such volume')
      return { confirmed: { volumeCapabilities: request.volumeCapabilities } }
    },
    ControllerGetVolume: ({ volumeId }: { volumeId: string }) => {
      const volume = plugin.volumes.get(volumeId)
      if (volume === undefined) throw refuse(status.NOT_FOUND, 'no such volume')
      return { volume: present(volume), status: { publishedNodeIds: [] } }
    },
    ControllerExpandVolume: (request: { volumeId: string; capacityRange: { requiredBytes: bigint } }) => {
      const volume = plugin.volumes.get(request.volumeId)
      if (volume === undefined) throw refuse(status.NOT_FOUND, 'no such volume')
      volume.capacityBytes = request.capacityRange.requiredBytes
      return { capacityBytes: volume.capacityBytes, nodeExpansionRequired: plugin.nodeExpansionRequired }
    },
    NodeExpandVolume: () => ({}),
    ListVolumes: (request: { maxEntries: number; startingToken: string }) =>
      page(
        [...plugin.volumes.values()].map((volume) => ({ volume: present(volume) })),
        request,
      ),
    CreateSnapshot: ({ name, sourceVolumeId }: CreateSnapshotRequest__Output) => {
      const snapshot = { id: `snap-${name}`, name, sourceVolumeId }
      plugin.snapshots.set(snapshot.id, snapshot)
      return { snapshot: presentSnapshot(snapshot) }
    },
    DeleteSnapshot: ({ snapshotId }: { snapshotId: string }) => {
      plugin.snapshots.delete(snapshotId)
      return {}
    },
    ListSnapshots: (request: { maxEntries: number; startingToken: string }) =>
      page(
        [...plugin.snapshots.values()].map((snapshot) => ({ snapshot: presentSnapshot(snapshot) })),
        request,
      ),
  }
  const presentSnapshot = ({ id, sourceVolumeId }: { id: string; sourceVolumeId: string }) => ({
    snapshotId: id,
    sourceVolumeId,
    sizeBytes: 1n << 20n,
    creationTime: { seconds: 1_700_000_000n, nanos: 0 },
    readyToUse: true,
  })

  await plugin.start()
  return plugin
}

import type { Plugin } from '../wire/plugin.ts'
import type { Snapshot, SnapshotRequest } from '../wire/snapshot.ts'
import type { AllocationStub, ExternalVolume, Volume, VolumeRequest, VolumeStub } from '../wire/volume.ts'

/** What is asked of a Nomad node. */
export interface NodeState {
  /** Such as `ready`, `down` or `disconnected`. */
  readonly Status: string
  /** Whether its allocations are on their way to others. */
  readonly Drain: boolean
}

/**
 * Writes to the Volumes HTTP API. Every method rejects with an OperationError: `ambiguous` where the
 * request may have been carried out (no answer, deadline, cut connection), else by the error table.
 * No method repeats a request by itself.
 */
export interface VolumesApi {
  /** `PUT /v1/volume/csi/:id/create`. Create once; on a volume that exists: update and expand. */
  createVolume(request: VolumeRequest & { Namespace: string }, signal?: AbortSignal): Promise<void>
  /** `PUT /v1/volume/csi/:id`. */
  registerVolume(request: VolumeRequest & { Namespace: string }, signal?: AbortSignal): Promise<void>
  /** Without force. A volume that is not there is success. */
  deregisterVolume(namespace: string, volumeID: string, signal?: AbortSignal): Promise<void>
  /** Deletes the external volume, then the record. A volume that is not there is success. */
  deleteVolume(
    namespace: string,
    volumeID: string,
    secrets: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<void>
  /**
   * Takes the volume off a node, where no allocation lives that claims it. May be repeated; that it resolves
   * proves nothing (reference, 2.8).
   */
  detachVolume(namespace: string, volumeID: string, nodeID: string, signal?: AbortSignal): Promise<void>
  createSnapshot(namespace: string, request: SnapshotRequest, signal?: AbortSignal): Promise<Snapshot>
  /** A snapshot that is not there is success. */
  deleteSnapshot(
    pluginID: string,
    snapshotID: string,
    secrets: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<void>
}

/**
 * What Nomad and the plugins report, kept current by watches. Reads are as fresh as the last event or
 * poll, and never older than the last write that went through `invalidate`.
 */
export interface Observer {
  /** undefined: Nomad answered that it has no such volume. */
  volume(namespace: string, volumeID: string): Promise<Volume | undefined>
  /** What the volume list of a Nomad namespace shows. */
  volumeStubs(namespace: string): Promise<readonly VolumeStub[]>
  /** `true` may be some seconds old, `false` is not. */
  namespaceExists(namespace: string): Promise<boolean>
  /** undefined: Nomad answered that it has no such plugin. */
  plugin(pluginID: string): Promise<Plugin | undefined>
  /** Every external volume the plugin lists, by external ID; paged to the end, or it rejects. */
  externalVolumes(pluginID: string): Promise<ReadonlyMap<string, ExternalVolume>>
  /** Every snapshot the plugin lists, by snapshot ID; paged to the end, or it rejects. */
  snapshots(pluginID: string): Promise<ReadonlyMap<string, Snapshot>>
  /** Every allocation of a Nomad namespace, by ID; rejects where the token may not see them. */
  allocations(namespace: string): Promise<ReadonlyMap<string, AllocationStub>>
  /** Every node, by ID. */
  nodes(): Promise<ReadonlyMap<string, NodeState>>
  /** The next read of these goes to Nomad. */
  invalidate(what: {
    volume?: { namespace: string; volumeID: string }
    pluginID?: string
    /** A Nomad namespace. */
    allocationsIn?: string
    nodes?: true
  }): void
}

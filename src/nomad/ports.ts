import type { Plugin } from '../wire/plugin.ts'
import type { Snapshot, SnapshotRequest } from '../wire/snapshot.ts'
import type { AllocationStub, ExternalVolume, Volume, VolumeRequest, VolumeStub } from '../wire/volume.ts'
import type { HostVolumesApi, HostVolumesObserver } from './host-volume-ports.ts'

/** What Mooring reads of a Nomad node. */
export interface NodeState {
  /** Such as `ready`, `down` or `disconnected`. */
  readonly Status: string
  /** Its allocations are being moved to other nodes. */
  readonly Drain: boolean
}

/**
 * Writes to the Volumes HTTP API. Every method rejects with an OperationError: `ambiguous` where the request may have
 * been carried out (no answer, deadline, lost connection), otherwise as the error table says. No method repeats a
 * request.
 */
export interface CSIVolumesApi {
  /** `PUT /v1/volume/csi/:id/create`. Creates a volume, or updates and expands one that exists. */
  createVolume(request: VolumeRequest & { Namespace: string }, signal?: AbortSignal): Promise<void>
  /** `PUT /v1/volume/csi/:id`. */
  registerVolume(request: VolumeRequest & { Namespace: string }, signal?: AbortSignal): Promise<void>
  /** Without force. It is success if the volume does not exist. */
  deregisterVolume(namespace: string, volumeID: string, signal?: AbortSignal): Promise<void>
  /** Deletes the external volume, then Nomad's record. It is success if the volume does not exist. */
  deleteVolume(
    namespace: string,
    volumeID: string,
    secrets: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<void>
  /**
   * Detaches the volume from a node on which no living allocation claims it. May be repeated. A success proves nothing:
   * read the volume again.
   */
  detachVolume(namespace: string, volumeID: string, nodeID: string, signal?: AbortSignal): Promise<void>
  createSnapshot(namespace: string, request: SnapshotRequest, signal?: AbortSignal): Promise<Snapshot>
  /** It is success if the snapshot does not exist. */
  deleteSnapshot(
    pluginID: string,
    snapshotID: string,
    secrets: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<void>
}

/** Writes of CSI volumes and of dynamic host volumes. */
export interface VolumesApi extends CSIVolumesApi, HostVolumesApi {}

/** A field by which volumes of the list are found. */
export type VolumeField = 'ExternalID' | 'Name'

/**
 * What Nomad and the plugins report. Watches update it. A read is as fresh as the last change that Nomad reported or
 * the last poll, and never older than the last `invalidate`.
 */
export interface Observer extends HostVolumesObserver {
  /** undefined: Nomad has no such volume. */
  volume(namespace: string, volumeID: string): Promise<Volume | undefined>
  /** The volume list of a Nomad namespace. */
  volumeStubs(namespace: string): Promise<readonly VolumeStub[]>
  /** Those of the volume list whose field has this value, without a look at the others. */
  findVolumeStubs(namespace: string, field: VolumeField, value: string): Promise<readonly VolumeStub[]>
  /** `true` may be some seconds old. `false` is fresh. */
  namespaceExists(namespace: string): Promise<boolean>
  /** undefined: Nomad has no such plugin. */
  plugin(pluginID: string): Promise<Plugin | undefined>
  /** Every external volume that the plugin lists, by external ID. Rejects where a page is missing. */
  externalVolumes(pluginID: string): Promise<ReadonlyMap<string, ExternalVolume>>
  /**
   * The same, or a list that is at most 30 s old (and a second more for each thousand entries) and may lack what Mooring did meanwhile: it proves what was there, and
   * never that something is gone.
   */
  recentExternalVolumes(pluginID: string): Promise<ReadonlyMap<string, ExternalVolume>>
  /**
   * This external volume as the plugin lists it now, where one page of the list shows it. undefined proves nothing: then only
   * the whole list shows whether it is there.
   */
  findExternalVolume(pluginID: string, externalID: string): Promise<ExternalVolume | undefined>
  /** Every snapshot that the plugin lists, by snapshot ID. Rejects where a page is missing. */
  snapshots(pluginID: string): Promise<ReadonlyMap<string, Snapshot>>
  /** Every allocation of a Nomad namespace, by ID. Rejects where the token may not see them. */
  allocations(namespace: string): Promise<ReadonlyMap<string, AllocationStub>>
  /** Every node, by ID. */
  nodes(): Promise<ReadonlyMap<string, NodeState>>
  /** The next read of these asks Nomad. */
  invalidate(what: {
    volume?: { namespace: string; volumeID: string }
    pluginID?: string
    /** A Nomad namespace. */
    allocationsIn?: string
    nodes?: true
  }): void
}

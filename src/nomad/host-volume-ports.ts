import type { NodeFacts } from '../wire/feasible.ts'
import type { HostVolume, HostVolumeRequest, HostVolumeStub } from '../wire/host-volume.ts'

/** The body of a create or a register. */
export type HostVolumeBody = HostVolumeRequest & { readonly Namespace: string }

/**
 * Writes of dynamic host volumes. As those of CSI volumes: each is sent once, and rejects with an OperationError that is
 * `ambiguous` where the request may have been carried out.
 */
export interface HostVolumesApi {
  /**
   * `PUT /v1/volume/host/create`. Without an ID it makes a new volume each time, under an ID that Nomad chooses. With one
   * it changes that volume, which nobody may be using.
   */
  createHostVolume(request: HostVolumeBody, signal?: AbortSignal): Promise<HostVolume>
  /** `PUT /v1/volume/host/register`. Takes up a folder that is on the node already. */
  registerHostVolume(request: HostVolumeBody, signal?: AbortSignal): Promise<HostVolume>
  /**
   * Deletes the volume with its data; one that was registered is only forgotten. It is success if Nomad has no such volume.
   * Nomad calls the plugin before it looks for claims for the last time, so whoever calls this looks first.
   */
  deleteHostVolume(namespace: string, id: string, signal?: AbortSignal): Promise<void>
}

/** A node, as far as volumes are placed by it. */
export interface HostNode extends NodeFacts {
  /** Such as `ready`, `down` or `disconnected`. */
  readonly Status: string
  /** `eligible` or `ineligible`. */
  readonly SchedulingEligibility: string
}

/** What Nomad reports of dynamic host volumes. Reads are as fresh as those of the Observer. */
export interface HostVolumesObserver {
  /** Those of a Nomad namespace. Rejects where the token may not see them. */
  hostVolumes(namespace: string): Promise<readonly HostVolumeStub[]>
  /** Those of this name, one on each of several nodes. */
  findHostVolumes(namespace: string, name: string): Promise<readonly HostVolumeStub[]>
  /** undefined: Nomad has no such volume. */
  hostVolume(namespace: string, id: string): Promise<HostVolume | undefined>
  /** The nodes of a pool, by ID; `all` has every node. */
  nodesOf(pool: string): Promise<ReadonlyMap<string, HostNode>>
  /**
   * IDs of the allocations that may still use the volume of this name on this node, by what their jobs ask for. Nomad itself
   * overlooks jobs with per_alloc in some releases. Always read anew.
   */
  usersOfHostVolume(namespace: string, nodeID: string, name: string): Promise<readonly string[]>
  /** The next read of the namespace's volumes, and of nodes, asks Nomad. */
  invalidateHostVolumes(namespace: string): void
}

import type { ObjectIdentity } from '../declare/declaration.ts'
import type { SecretReference } from '../declare/secret-reference.ts'
import type { Plugin } from '../wire/plugin.ts'
import type { Snapshot, SnapshotRequest } from '../wire/snapshot.ts'
import type { AllocationStub, ExternalVolume, Volume, VolumeRequest, VolumeStub } from '../wire/volume.ts'
import type { Key } from './identity.ts'
import type { Orders } from './orders.ts'
import type { InventoryRecord, Released } from './record.ts'

/**
 * Writes to the Volumes HTTP API. Every method rejects with an OperationError: `ambiguous` where the
 * request may have been carried out (no answer, deadline, cut connection), else by the error table.
 * No method repeats a request by itself.
 */
/** What is asked of a Nomad node. */
export interface NodeState {
  /** Such as `ready`, `down` or `disconnected`. */
  readonly Status: string
  /** Whether its allocations are on their way to others. */
  readonly Drain: boolean
}

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

/**
 * Plugins that this process reaches at their own sockets, beside Nomad. Where it does not reach one, each answers
 * that nothing is known; calls that fail reject with an OperationError.
 */
export interface DirectPlugins {
  /** The external volume by itself, for plugins that do not list: `unlisted` where the plugin says that it has none. */
  externalVolume(pluginID: string, externalID: string): Promise<ExternalVolume | 'unlisted' | 'unknown'>
  /** How much the plugin can still provide to volumes of this kind (CSI spec, GetCapacity). */
  room(
    pluginID: string,
    kind: {
      readonly parameters?: Readonly<Record<string, string>>
      readonly topology?: Readonly<Record<string, string>>
    },
  ): Promise<Room | undefined>
  /**
   * Takes the volume off a node at the provider. May be repeated.
   * @returns whether it was called: false where the plugin is not reached or does not publish
   */
  unpublish(
    what: {
      readonly pluginID: string
      readonly externalID: string
      /** The node by the plugin's own ID. */
      readonly externalNodeID: string
      readonly secrets: Readonly<Record<string, string>>
    },
    signal?: AbortSignal,
  ): Promise<boolean>
}

export interface Room {
  readonly availableBytes: bigint
  /** The largest volume that there can be. */
  readonly maximumVolumeBytes?: bigint
}

/**
 * What Mooring manages. Reads are of this process's memory; a write is durable when its promise resolves,
 * and is read from then on: it is what makes an effect after it safe to repeat. Writes of one key are
 * carried out one after the other. One process holds it at a time; a write of one that no longer does
 * rejects, where the inventory is kept elsewhere.
 */
export interface Inventory {
  get(key: Key): InventoryRecord | undefined
  list(): readonly InventoryRecord[]
  /**
   * Resolves when the record is where no crash and no power cut can take it: so an effect may follow. With
   * `isOutcome`, of what a pass ended with, the end of the process cannot take it, and a power cut of the same moment
   * may: the pass had then not got that far.
   */
  put(record: InventoryRecord, options?: { readonly isOutcome?: boolean }): Promise<void>
  /** Changes a record outside of its own pass, which may be writing it: `change` is given what was written last. Nothing where the key is not managed. */
  amend(key: Key, change: (record: InventoryRecord) => InventoryRecord): Promise<void>
  /** Ends the management, and what was ordered for it. */
  delete(key: Key): Promise<void>
  /** Notes what Mooring managed once and does no more; one of the same key and external ID replaces it. */
  release(released: Released): Promise<void>
  released(): readonly Released[]
  /** What a person ordered for the identity by a command; empty if nothing. Passes write records whole, so it is kept apart. */
  orders(key: Key): Orders
  amendOrders(key: Key, change: (orders: Orders) => Orders): Promise<void>
  /** HMAC-SHA-256, hex, under a key that never leaves the inventory: compares secrets without keeping them. */
  keyedHash(text: string): string
}

/** Resolves references to secrets, by the rules that keep a writer from what they may not read. */
export interface SecretResolver {
  /**
   * Values by the names that the declaration gives them.
   * @param namespace the declaration's Nomad namespace, which decides what it may read
   * @param object of Kubernetes, if it is declared by one: it reaches Secrets of its own namespace
   * @throws OperationError `waiting` with reason `SecretNotFound`, naming the reference and never a value
   */
  resolve(
    references: Readonly<Record<string, SecretReference>>,
    namespace: string,
    object?: ObjectIdentity,
  ): Promise<Readonly<Record<string, string>>>
}

/**
 * Where an inventory lives that another system keeps (Nomad Variables, Kubernetes objects): small texts
 * under names, each with a version that every write names. A name is one or two parts of `[a-z0-9-]`, with
 * a slash between them, and at most 80 bytes long. No method repeats a write by itself.
 */
export interface RecordStore {
  /** Longest text that it takes, in bytes of UTF-8. */
  readonly maxTextBytes: number
  /** Everything there is, as of now. */
  load(): Promise<readonly StoredText[]>
  /** As of now, and after every write that was answered. undefined: nothing is there. */
  read(name: string): Promise<StoredText | undefined>
  /**
   * @param version of the text that is replaced; undefined where none must be there
   * @returns the new version
   * @throws RecordConflictError where another version is there; OperationError, `ambiguous` where the
   *   write may have been carried out
   */
  write(name: string, text: string, version: string | undefined): Promise<string>
  /** Success where nothing is there. @throws as write */
  remove(name: string, version: string): Promise<void>
}

export interface StoredText {
  readonly name: string
  readonly text: string
  readonly version: string
}

/** Another process wrote in between: whoever meets it no longer knows what is stored. */
export class RecordConflictError extends Error {
  override readonly name = 'RecordConflictError'
}

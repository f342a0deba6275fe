import { OperationError, type OperationErrorOptions } from '../lib/errors.ts'

/** A kind as the API server serves it. */
export interface Resource {
  /** Empty for the core group. */
  readonly group: string
  readonly version: string
  /** As in paths and in RBAC rules: `volumes`. */
  readonly plural: string
  readonly kind: string
  readonly namespaced: boolean
}

/** Which object. */
export interface ObjectAddress {
  /** Absent for cluster-scoped resources. */
  readonly namespace?: string
  readonly name: string
}

export interface ObjectMetadata {
  readonly name: string
  readonly namespace?: string
  readonly uid?: string
  /** Opaque: only equality means something. */
  readonly resourceVersion?: string
  /** Counts the changes of everything but metadata and status. */
  readonly generation?: number
  /** RFC 3339. */
  readonly creationTimestamp?: string
  /** RFC 3339. The object is being deleted, and disappears with its last finalizer. */
  readonly deletionTimestamp?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  /** For annotations of our group: the field manager that wrote it. In place of managedFields, which are dropped. */
  readonly annotationManagers?: Readonly<Record<string, string>>
  readonly finalizers?: readonly string[]
  readonly ownerReferences?: readonly OwnerReference[]
}

export interface OwnerReference {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller?: boolean
}

/** An object as the API server sends it. Only the metadata is checked; whoever reads more parses it. */
export interface KubernetesObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: ObjectMetadata
  readonly [field: string]: unknown
}

export interface ListOptions {
  /** Absent: all namespaces, or a cluster-scoped resource. */
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
}

export interface PageOptions extends ListOptions {
  /** The most objects on a page. */
  readonly limit?: number
  /** From the page before. It expires within minutes (410). */
  readonly continueToken?: string
}

export interface ObjectPage {
  readonly items: readonly KubernetesObject[]
  /** The version of the whole list: a watch from here misses nothing. */
  readonly resourceVersion: string
  /** Absent on the last page. */
  readonly continueToken?: string
}

export interface WatchOptions extends ListOptions {
  /** The watch begins after this version. */
  readonly resourceVersion: string
  /** The API server ends the watch after so many whole seconds. */
  readonly timeoutSeconds: number
}

export type WatchEvent =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: KubernetesObject }
  /** All events up to this version were sent: a watch from here misses nothing. */
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string }

/** The fields that a field manager sets on an object. All other fields are left to others. */
export interface AppliedObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
    /** Where given, the object must exist with this UID; otherwise it is a conflict. */
    readonly uid?: string
    /** Where given, the object must exist at this version; otherwise it is a conflict. */
    readonly resourceVersion?: string
  }
  readonly [field: string]: unknown
}

export interface ApplyOptions {
  /** The owner of the fields. */
  readonly fieldManager: string
  /** Takes fields over from other managers. Without it, a field of another manager is a conflict (409). Default false. */
  readonly force?: boolean
  /** `status`: writes only the status of an existing object. Default: writes everything but the status. */
  readonly subresource?: 'status'
}

/** A change of an object's metadata. `null` removes an annotation or label. */
export type MetadataChange = {
  readonly annotations?: Readonly<Record<string, string | null>>
  readonly labels?: Readonly<Record<string, string | null>>
} & (
  | {
      /** The object must be at this version (409 otherwise). */
      readonly resourceVersion: string
      /** The whole new list. It needs the version that it was made from: otherwise the finalizer of somebody else could be lost. */
      readonly finalizers?: readonly string[]
    }
  | { readonly resourceVersion?: undefined; readonly finalizers?: undefined }
)

/** The API server refuses to delete any other object or version (409). */
export interface DeletePreconditions {
  readonly uid?: string
  readonly resourceVersion?: string
}

/**
 * The requests that Mooring sends to a Kubernetes API server. Every method rejects with a KubernetesError. It sends one
 * request, which has a deadline of its own besides `signal`.
 */
export interface KubernetesApi {
  list(resource: Resource, options?: PageOptions, signal?: AbortSignal): Promise<ObjectPage>
  /**
   * The events as they come, with bookmarks. It ends when the API server ends the watch. It throws when the server
   * refuses the watch or sends an error in the stream (410 `Expired`: list again), when something is no event
   * (`UnreadableAnswer`), when the connection is lost, and when `signal` aborts. The first `next()` sends the request.
   * Whoever stops iterating closes the connection.
   * @param onOpen called when the API server has accepted the watch, before the first event
   */
  watch(
    resource: Resource,
    options: WatchOptions,
    signal?: AbortSignal,
    onOpen?: () => void,
  ): AsyncIterable<WatchEvent>
  /** undefined: there is no such object. It rejects where the kind is not served (404 `ResourceNotServed`). */
  get(resource: Resource, address: ObjectAddress, signal?: AbortSignal): Promise<KubernetesObject | undefined>
  /** Rejects with 409 `AlreadyExists` where the name is taken. */
  create(resource: Resource, object: NewObject, signal?: AbortSignal): Promise<KubernetesObject>
  /** Replaces everything but the status. Rejects with 409 `Conflict` where `metadata.resourceVersion` is not the current one. */
  update(resource: Resource, object: KubernetesObject, signal?: AbortSignal): Promise<KubernetesObject>
  /** Server-side apply. Rejects with 409 `Conflict`, with a cause for each field that another manager owns. */
  apply(
    resource: Resource,
    object: AppliedObject,
    options: ApplyOptions,
    signal?: AbortSignal,
  ): Promise<KubernetesObject>
  /** Rejects with 404 `NotFound` where the object does not exist. */
  patchMetadata(
    resource: Resource,
    address: ObjectAddress,
    change: MetadataChange,
    signal?: AbortSignal,
  ): Promise<KubernetesObject>
  /** It is success if the object does not exist. An object with finalizers disappears later. Dependents are deleted in the background. */
  delete(
    resource: Resource,
    address: ObjectAddress,
    preconditions?: DeletePreconditions,
    signal?: AbortSignal,
  ): Promise<void>
}

export interface NewObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: Omit<ObjectMetadata, 'name' | 'uid' | 'resourceVersion' | 'generation'> &
    ({ readonly name: string } | { readonly generateName: string })
  readonly [field: string]: unknown
}

/** One reason of several why a request failed: an invalid field, or a field that another manager owns. */
export interface FailureCause {
  /** `FieldValueInvalid`, `FieldManagerConflict`, `NamespaceTerminating` … */
  readonly reason: string
  readonly message: string
  /** Such as `spec.capacity`. */
  readonly field?: string
}

/** A request to the API server that failed. The message names the verb and the resource. */
export class KubernetesError extends OperationError {
  override readonly name = 'KubernetesError'
  /** The HTTP status, or the one of an error within a watch; undefined where no answer came. */
  readonly code: number | undefined
  readonly causes: readonly FailureCause[]

  /**
   * `options.reason` is the one that Kubernetes gave (`NotFound`, `AlreadyExists`, `Conflict`, `Expired`, `Invalid`,
   * `Forbidden`, `Unauthorized`, `TooManyRequests` …), or `ResourceNotServed`, `ParentNotFound` (such as the namespace),
   * `KubernetesUnreachable`, `UnreadableAnswer`, `Interrupted`.
   */
  constructor(
    message: string,
    options: OperationErrorOptions & { readonly code?: number; readonly causes?: readonly FailureCause[] },
  ) {
    super(message, options)
    this.code = options.code
    this.causes = options.causes ?? []
  }
}

/**
 * There is another version of the object (409), or another object of its name, or another manager owns a field. A create
 * whose name is taken is not a conflict: see `isAlreadyExists`.
 */
export function isConflict(error: unknown): boolean {
  if (!(error instanceof KubernetesError)) return false
  // An apply with the UID of another object counts as a change of a field that cannot change.
  const isOtherObject = error.code === 422 && error.causes.some(({ field }) => field === 'metadata.uid')
  return isOtherObject || (error.code === 409 && error.reason !== 'AlreadyExists')
}

/** The name of the new object is taken (409). */
export function isAlreadyExists(error: unknown): boolean {
  return error instanceof KubernetesError && error.code === 409 && error.reason === 'AlreadyExists'
}

/** The object does not exist (404), though its kind is served and its namespace exists. */
export function isNotFound(error: unknown): boolean {
  return error instanceof KubernetesError && error.code === 404 && error.reason === 'NotFound'
}

/** The namespace is missing (404) or is being deleted (403), so that nothing can be created in it. */
export function isNamespaceGone(error: unknown): boolean {
  if (!(error instanceof KubernetesError)) return false
  return (
    error.reason === 'ParentNotFound' || error.causes.some(({ reason }) => reason === 'NamespaceTerminating')
  )
}

import { OperationError, type OperationErrorOptions } from '../lib/errors.ts'

/** A kind as the API server serves it. */
export interface Resource {
  /** Empty: the core group. */
  readonly group: string
  readonly version: string
  /** As it stands in paths and in RBAC rules: `volumes`. */
  readonly plural: string
  readonly kind: string
  readonly namespaced: boolean
}

/** Where one object is. */
export interface ObjectAddress {
  /** Absent: of a cluster-scoped resource. */
  readonly namespace?: string
  readonly name: string
}

export interface ObjectMetadata {
  readonly name: string
  readonly namespace?: string
  readonly uid?: string
  /** Opaque; only equality means something. */
  readonly resourceVersion?: string
  /** Counts the changes of what is declared: everything but metadata and status. */
  readonly generation?: number
  /** RFC 3339. */
  readonly creationTimestamp?: string
  /** RFC 3339. The object is ending, and goes when its last finalizer does. */
  readonly deletionTimestamp?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
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

/** An object as the API server has it. Whoever reads more than its metadata parses what they read. */
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
  /** Objects on a page, at most. */
  readonly limit?: number
  /** Of the page before. Expires within minutes (410). */
  readonly continueToken?: string
}

export interface ObjectPage {
  readonly items: readonly KubernetesObject[]
  /** Of the list as a whole: a watch from here misses nothing. */
  readonly resourceVersion: string
  /** Absent: this is the last page. */
  readonly continueToken?: string
}

export interface WatchOptions extends ListOptions {
  /** Events after this one. */
  readonly resourceVersion: string
  /** The API server ends the watch after this, in whole seconds. */
  readonly timeoutSeconds: number
}

export type WatchEvent =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: KubernetesObject }
  /** Nothing else happened up to here: a watch from this version misses nothing. */
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string }

/** What a field manager wants of an object; what it does not name is left to others. */
export interface AppliedObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
    /** Given: the object must be this very one (a conflict otherwise), and none is created. */
    readonly uid?: string
    /** Given: the object must be at this version (a conflict otherwise), and none is created. */
    readonly resourceVersion?: string
  }
  readonly [field: string]: unknown
}

export interface ApplyOptions {
  /** Who owns the fields. */
  readonly fieldManager: string
  /** Takes fields over from other managers; without it such an apply is a conflict (409). Default false. */
  readonly force?: boolean
  /** `status`: writes the status alone, to an object that is there. Default: everything but the status. */
  readonly subresource?: 'status'
}

/** A change of an object's metadata alone; `null` removes an annotation or label. */
export type MetadataChange = {
  readonly annotations?: Readonly<Record<string, string | null>>
  readonly labels?: Readonly<Record<string, string | null>>
} & (
  | {
      /** The object must be at this version (409 otherwise). */
      readonly resourceVersion: string
      /** The whole list, as it shall be: without the version that it was made from, another's could be lost. */
      readonly finalizers?: readonly string[]
    }
  | { readonly resourceVersion?: undefined; readonly finalizers?: undefined }
)

/** A delete of anything else is refused (409). */
export interface DeletePreconditions {
  readonly uid?: string
  readonly resourceVersion?: string
}

/**
 * The calls that Mooring makes to a Kubernetes API server. Every method rejects with a KubernetesError and
 * repeats nothing by itself; each call has a deadline of its own besides `signal`.
 */
export interface KubernetesApi {
  list(resource: Resource, options?: PageOptions, signal?: AbortSignal): Promise<ObjectPage>
  /**
   * The events as they come, bookmarks among them. It ends when the API server ends the watch, and throws
   * where the server refuses it, sends an error in the stream (410 `Expired`: list again) or something that
   * is no event (`UnreadableAnswer`), where the connection is lost, and when `signal` aborts. The request
   * goes out with the first `next()`; whoever stops iterating closes the connection.
   * @param onOpen called when the API server has accepted the watch, before its first event
   */
  watch(
    resource: Resource,
    options: WatchOptions,
    signal?: AbortSignal,
    onOpen?: () => void,
  ): AsyncIterable<WatchEvent>
  /** undefined: the API server answered that it has no such object. A kind it does not serve rejects (404 `ResourceNotServed`). */
  get(resource: Resource, address: ObjectAddress, signal?: AbortSignal): Promise<KubernetesObject | undefined>
  /** `metadata.name` or `metadata.generateName` given. 409 `AlreadyExists`. */
  create(resource: Resource, object: NewObject, signal?: AbortSignal): Promise<KubernetesObject>
  /** Replaces the object that is at `metadata.resourceVersion`, status apart; 409 `Conflict` where another version is there. */
  update(resource: Resource, object: KubernetesObject, signal?: AbortSignal): Promise<KubernetesObject>
  /** Server-side apply. 409 `Conflict` with a cause for each field that another manager owns. */
  apply(
    resource: Resource,
    object: AppliedObject,
    options: ApplyOptions,
    signal?: AbortSignal,
  ): Promise<KubernetesObject>
  /** 404 `NotFound` where it is gone. */
  patchMetadata(
    resource: Resource,
    address: ObjectAddress,
    change: MetadataChange,
    signal?: AbortSignal,
  ): Promise<KubernetesObject>
  /** Dependents go in the background. An object that is not there is success; one that has finalizers is ending. */
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

/** One of several things that are wrong with a request: a field that is invalid, or that another manager owns. */
export interface FailureCause {
  /** `FieldValueInvalid`, `FieldManagerConflict`, `NamespaceTerminating` … */
  readonly reason: string
  readonly message: string
  /** Such as `spec.capacity`. */
  readonly field?: string
}

/** A call to the API server that failed. The message names the verb and the resource. */
export class KubernetesError extends OperationError {
  override readonly name = 'KubernetesError'
  /** HTTP's status, or that of an error within a watch; undefined where no answer came. */
  readonly code: number | undefined
  readonly causes: readonly FailureCause[]

  /**
   * `options.reason` is Kubernetes's own where it gave one (`NotFound`, `AlreadyExists`, `Conflict`, `Expired`,
   * `Invalid`, `Forbidden`, `Unauthorized`, `TooManyRequests` …), else `ResourceNotServed`, `ParentNotFound`,
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
 * Another version of the object is there (409), another object of its name, or another manager owns a field.
 * Not: a name that is taken.
 */
export function isConflict(error: unknown): boolean {
  if (!(error instanceof KubernetesError)) return false
  // An apply to another object than it names would change what cannot change.
  const isOtherObject = error.code === 422 && error.causes.some(({ field }) => field === 'metadata.uid')
  return isOtherObject || (error.code === 409 && error.reason !== 'AlreadyExists')
}

/** The name is taken (409). */
export function isAlreadyExists(error: unknown): boolean {
  return error instanceof KubernetesError && error.code === 409 && error.reason === 'AlreadyExists'
}

/** The object is gone (404). Not: its kind is not served, or its namespace is missing. */
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

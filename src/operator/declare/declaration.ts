import type { SnapshotSpec } from './snapshot.ts'
import type { SnapshotScheduleSpec } from './snapshot-schedule.ts'
import type { VolumeSpec } from './volume.ts'

/** Where a person finds what they wrote. Lines and columns count from 1, documents from 0. */
export interface Place {
  /** The source, as the person named it: a folder's path or a repository's address. */
  readonly source: string
  /** Path beneath the source, with forward slashes; empty where the source itself is meant, such as a single file. */
  readonly file: string
  /** Position of the document in its file. */
  readonly document: number
  readonly line: number
  readonly column: number
  /** Of a Git repository: the commit that was read, as its full hash. */
  readonly commit?: string
  /** Of a Kubernetes object: `file` is `<kind> <namespace>/<name>` then, and there is no line and no column. */
  readonly object?: ObjectIdentity
}

/** One Kubernetes object at one state of its spec. */
export interface ObjectIdentity {
  readonly namespace: string
  /** Of this object and no later one of the same name. */
  readonly uid: string
  readonly generation: number
  /** A person asked for a pass: the value of annotation `mooring.dev/reconcile-at`. */
  readonly reconcileAt?: string
}

interface Declared<Kind extends string, Spec> {
  readonly kind: Kind
  /** metadata.name: unique for its kind in one Nomad namespace; what other declarations refer to. */
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** Defaults filled in, quantities in bytes. Secrets are references, never values. */
  readonly spec: Spec
  readonly place: Place
}

/** Set where a declaration with perAlloc makes the volume: then `name` and `spec.volumeID` end in `[index]`. */
export interface Instance {
  /** metadata.name and volumeID as they were written. */
  readonly name: string
  readonly volumeID: string
  readonly index: number
  /** The count was lowered beneath it: spec.deletionPolicy is then what whenScaled says. */
  readonly isScaledAway?: true
}

export type VolumeDeclaration = Declared<'Volume', VolumeSpec> & { readonly instance?: Instance }
export type SnapshotDeclaration = Declared<'Snapshot', SnapshotSpec>
export type SnapshotScheduleDeclaration = Declared<'SnapshotSchedule', SnapshotScheduleSpec>
export type Declaration = VolumeDeclaration | SnapshotDeclaration | SnapshotScheduleDeclaration

/** Something in a source that could not be used, told to the person who wrote it. */
export interface Problem {
  readonly place: Place
  /** Such as `spec.capacity.min`; empty where the document as a whole is meant. */
  readonly field: string
  /** What is wrong and what to do about it. Never holds a secret's value. */
  readonly message: string
}

/** `source/file:line:column`, as editors and terminals understand it; an object's `source <kind> <namespace>/<name>`. */
export function formatPlace(place: Place): string {
  if (place.object !== undefined) return `${place.source} ${place.file}`
  const path = place.file === '' ? place.source : `${place.source}/${place.file}`
  return `${path}:${place.line}:${place.column}`
}

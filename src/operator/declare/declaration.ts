import type { HostVolumeSpec } from './host-volume.ts'
import type { SnapshotSpec } from './snapshot.ts'
import type { SnapshotScheduleSpec } from './snapshot-schedule.ts'
import type { VolumeSpec } from './volume.ts'

/** Where a declaration was written. Lines and columns count from 1, documents from 0. */
export interface Place {
  /** The source as a person named it: the path of a folder, or the address of a repository. */
  readonly source: string
  /** The path beneath the source, with forward slashes. Empty for the source itself, such as a single file. */
  readonly file: string
  /** The position of the document in its file. */
  readonly document: number
  readonly line: number
  readonly column: number
  /** Only for Git: the full hash of the commit. Of a declaration: the one in which it last changed, as far as this process saw. */
  readonly commit?: string
  /** Only for objects of Kubernetes. Then `file` is `<kind> <namespace>/<name>`, and line and column are 0. */
  readonly object?: ObjectIdentity
}

/** A Kubernetes object, with the state of its spec. */
export interface ObjectIdentity {
  readonly namespace: string
  /** A later object of the same name has another one. */
  readonly uid: string
  readonly generation: number
  /** The value of annotation `mooring.dev/reconcile-at`, by which a person requests a pass. */
  readonly reconcileAt?: string
}

interface Declared<Kind extends string, Spec> {
  readonly kind: Kind
  /** metadata.name, by which other declarations refer to it. Unique for its kind in one Nomad namespace. */
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** With defaults filled in and quantities in bytes. Secrets are references, never values. */
  readonly spec: Spec
  readonly place: Place
}

/** One volume of a declaration with perAlloc. Its `name` and `spec.volumeID` end in `[index]`. */
export interface Instance {
  /** metadata.name and volumeID as written, without `[index]`. */
  readonly name: string
  readonly volumeID: string
  readonly index: number
  /** The count is now too low for this index. spec.deletionPolicy then has the value of whenScaled. */
  readonly isScaledAway?: true
}

export type VolumeDeclaration = Declared<'Volume', VolumeSpec> & { readonly instance?: Instance }
export type SnapshotDeclaration = Declared<'Snapshot', SnapshotSpec>
export type SnapshotScheduleDeclaration = Declared<'SnapshotSchedule', SnapshotScheduleSpec>
export type HostVolumeDeclaration = Declared<'HostVolume', HostVolumeSpec>
export type Declaration =
  | VolumeDeclaration
  | SnapshotDeclaration
  | SnapshotScheduleDeclaration
  | HostVolumeDeclaration

/** Something in a source that cannot be used, for the person who wrote it. */
export interface Problem {
  readonly place: Place
  /** Such as `spec.capacity.min`. Empty for the whole document. */
  readonly field: string
  /** What is wrong, and what to do. It never contains the value of a secret. */
  readonly message: string
  /** The file speaks of nothing of ours, such as a template of Helm. It may still have been ours before. */
  readonly isOfOthers?: true
}

/** `source/file:line:column`, which editors and terminals understand; for an object, `source <kind> <namespace>/<name>`. */
export function formatPlace(place: Place): string {
  if (place.object !== undefined) return `${place.source} ${place.file}`
  const path = place.file === '' ? place.source : `${place.source}/${place.file}`
  // A file or folder that cannot be read has no lines.
  return place.line === 0 ? path : `${path}:${place.line}:${place.column}`
}

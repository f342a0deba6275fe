import type { Declaration } from './declaration.ts'
import { apiVersion } from './document.ts'
import type { Reading } from './explain-faults.ts'
import type { Fault } from './fault.ts'
import { dropNulls } from './prepare-value.ts'
import { readSnapshot, SnapshotDocument } from './snapshot.ts'
import { readSnapshotSchedule, SnapshotScheduleDocument } from './snapshot-schedule.ts'
import { readVolume, VolumeDocument } from './volume.ts'

/** The part of a Kubernetes object that a person declares. */
export interface DeclaredObject {
  readonly kind: Declaration['kind']
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> }
  readonly spec: unknown
}

/** A declaration without its place, which the source adds. */
export type ObjectReading = DistributiveOmit<Declaration, 'place'> | { readonly faults: readonly Fault[] }

type DistributiveOmit<T, Key extends PropertyKey> = T extends unknown ? Omit<T, Key> : never

/**
 * Reads a Kubernetes object as a declaration. The API server has checked its metadata, so they are not checked again; labels
 * may have the prefix mooring.dev/. Annotations are not part of a declaration.
 * @param namespace the Nomad namespace for an object that names none
 */
export function readObject({ kind, metadata, spec }: DeclaredObject, namespace: string): ObjectReading {
  const document = { apiVersion, kind, metadata: { name: metadata.name }, spec }
  const declare = <Kind extends string, Spec>(kindRead: Kind, reading: Reading<Spec>) =>
    'faults' in reading ? reading : { kind: kindRead, ...reading, labels: metadata.labels ?? {} }
  switch (kind) {
    case 'Volume':
      return declare(kind, readVolume(dropNulls(VolumeDocument, document), namespace, 'object'))
    case 'Snapshot':
      return declare(kind, readSnapshot(dropNulls(SnapshotDocument, document), namespace, 'object'))
    case 'SnapshotSchedule': {
      const value = dropNulls(SnapshotScheduleDocument, document)
      return declare(kind, readSnapshotSchedule(value, namespace, 'object'))
    }
  }
}

import type { Declaration } from './declaration.ts'
import { apiVersion } from './document.ts'
import type { Reading } from './explain-faults.ts'
import type { Fault } from './fault.ts'
import { dropNulls } from './prepare-value.ts'
import { readSnapshot, SnapshotDocument } from './snapshot.ts'
import { readSnapshotSchedule, SnapshotScheduleDocument } from './snapshot-schedule.ts'
import { readVolume, VolumeDocument } from './volume.ts'

/** The part of an object of Kubernetes that is declared. */
export interface DeclaredObject {
  readonly kind: Declaration['kind']
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> }
  readonly spec: unknown
}

/** A declaration but for its place, which is for the source to say. */
export type ObjectReading = DistributiveOmit<Declaration, 'place'> | { readonly faults: readonly Fault[] }

type DistributiveOmit<T, Key extends PropertyKey> = T extends unknown ? Omit<T, Key> : never

/**
 * Reads an object of Kubernetes as a declaration. Its metadata are checked by the API server, so they are
 * taken as they are, labels with the prefix mooring.dev/ too; annotations are no part of a declaration.
 * @param namespace the Nomad namespace where the object names none
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

import type Type from 'typebox'
import type { DeclaredKind } from '../../lib/declared-kinds.ts'
import type { Declaration } from './declaration.ts'
import type { Reading } from './explain-faults.ts'
import type { Fault } from './fault.ts'
import { HostVolumeDocument, readHostVolume } from './host-volume.ts'
import type { Origin } from './kubernetes.ts'
import { HostVolumeStatus, SnapshotScheduleStatus, SnapshotStatus, VolumeStatus } from './object-status.ts'
import { dropNulls } from './prepare-value.ts'
import { readSnapshot, SnapshotDocument } from './snapshot.ts'
import { readSnapshotSchedule, SnapshotScheduleDocument } from './snapshot-schedule.ts'
import { readVolume, VolumeDocument } from './volume.ts'

interface KindReader<Kind extends DeclaredKind> {
  /** The schema of the document as a person writes it. */
  readonly document: Type.TObject
  /** The schema of the object's status. */
  readonly status: Type.TObject
  /** @param namespace the Nomad namespace where the document names none */
  readonly read: (
    value: unknown,
    namespace: string,
    origin?: Origin,
  ) => Reading<Extract<Declaration, { kind: Kind }>['spec']>
}

/** How each kind is read. */
export const readers: { readonly [Kind in DeclaredKind]: KindReader<Kind> } = {
  Volume: { document: VolumeDocument, status: VolumeStatus, read: readVolume },
  Snapshot: { document: SnapshotDocument, status: SnapshotStatus, read: readSnapshot },
  SnapshotSchedule: {
    document: SnapshotScheduleDocument,
    status: SnapshotScheduleStatus,
    read: readSnapshotSchedule,
  },
  HostVolume: { document: HostVolumeDocument, status: HostVolumeStatus, read: readHostVolume },
}

/** A declaration without its place, which the source adds. */
export type KindReading = DistributiveOmit<Declaration, 'place'> | { readonly faults: readonly Fault[] }

type DistributiveOmit<T, Key extends PropertyKey> = T extends unknown ? Omit<T, Key> : never

/** Reads a document as a declaration of its kind. */
export function readKind(
  kind: DeclaredKind,
  value: unknown,
  namespace: string,
  origin: Origin = 'file',
): KindReading {
  const { document, read } = readers[kind]
  const reading = read(dropNulls(document, value), namespace, origin)
  if ('faults' in reading) return reading
  return { kind, ...reading } as KindReading // The table pairs each kind with its own spec.
}

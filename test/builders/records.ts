import type {
  HostVolumeDeclaration,
  SnapshotDeclaration,
  VolumeDeclaration,
} from '../../src/operator/declare/declaration.ts'
import { csiNameFor, keyOf } from '../../src/operator/plan/identity.ts'
import type { HostVolumeRecord, SnapshotRecord, VolumeRecord } from '../../src/operator/plan/record.ts'

/** The record of a managed volume, with what matters in this test. */
export function volumeRecord(
  declaration: VolumeDeclaration,
  fields: Partial<VolumeRecord> = {},
): VolumeRecord {
  const key = keyOf(declaration)
  return {
    kind: 'Volume',
    key,
    declaration,
    csiName: csiNameFor(key, declaration, 'global'),
    incarnation: 0,
    status: { conditions: [] },
    ...fields,
  }
}

/** The record of a managed snapshot, with what matters in this test. */
export function snapshotRecord(
  declaration: SnapshotDeclaration,
  fields: Partial<SnapshotRecord> = {},
): SnapshotRecord {
  const key = keyOf(declaration)
  return {
    kind: 'Snapshot',
    key,
    declaration,
    csiName: csiNameFor(key, declaration, 'global'),
    incarnation: 0,
    status: { conditions: [] },
    ...fields,
  }
}

/** The record of a managed host volume, with what matters in this test. */
export function hostVolumeRecord(
  declaration: HostVolumeDeclaration,
  fields: Partial<HostVolumeRecord> = {},
): HostVolumeRecord {
  return {
    kind: 'HostVolume',
    key: keyOf(declaration),
    declaration,
    csiName: declaration.spec.name,
    incarnation: 0,
    status: { conditions: [] },
    ...fields,
  }
}

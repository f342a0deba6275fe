import type { SnapshotDeclaration, VolumeDeclaration } from '../../src/declare/declaration.ts'
import { keyOf } from '../../src/plan/identity.ts'
import { csiNameFor } from '../../src/plan/ownership.ts'
import type { SnapshotRecord, VolumeRecord } from '../../src/plan/record.ts'

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

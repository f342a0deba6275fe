import type { Declaration } from '../declare/declaration.ts'
import type { Absence } from '../desired/absence.ts'
import type { Decision } from '../plan/decision.ts'
import { endPolicyOf } from '../plan/per-alloc.ts'
import type { InventoryRecord } from '../plan/record.ts'

/**
 * What stands for a managed identity that is not declared and does not end now: it stays as it is, and nothing of
 * the outside is asked.
 */
export function planAbsentDeclaration(absence: Absence | undefined, record: InventoryRecord): Decision {
  switch (absence?.state) {
    case 'ending':
      throw new Error(`${record.key} ends now`)
    case 'missing':
      // The reading at that time wakes this identity again.
      return {
        verdict: {
          state: 'waiting',
          reason: 'PruneDelay',
          message: `${whyGone(record)}; ends after ${new Date(absence.untilMs).toISOString()}${policyOf(record)}`,
        },
      }
    case 'held':
      return { verdict: { state: 'suspended', reason: absence.reason, message: absence.message } }
    case undefined:
      return {
        verdict: { state: 'suspended', reason: 'NotReadYet', message: 'the sources were not read yet' },
      }
  }
}

/** The declaration that an identity ends by, where it is not the one in its record. */
export function endingDeclaration(absence: Absence | undefined): Declaration | undefined {
  return absence?.state === 'ending' ? absence.declaration : undefined
}

function whyGone({ kind, declaration }: InventoryRecord): string {
  return kind === 'Volume' && declaration.instance?.isScaledAway
    ? 'perAlloc.count no longer reaches it'
    : 'no longer declared'
}

function policyOf(record: InventoryRecord): string {
  switch (record.kind) {
    case 'Volume':
      return ` (${endPolicyOf(record.declaration)})`
    case 'Snapshot':
      return ` (deletionPolicy ${record.declaration.spec.deletionPolicy})`
    case 'SnapshotSchedule':
      return ''
  }
}

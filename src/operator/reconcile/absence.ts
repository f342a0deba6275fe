import { OperationError } from '../../lib/errors.ts'
import type { Declaration } from '../declare/declaration.ts'
import type { Absence } from '../desired/absence.ts'
import { retained } from '../desired/object-ends.ts'
import type { Decision } from '../plan/decision.ts'
import type { Key } from '../plan/identity.ts'
import { isEndCancelled } from '../plan/orders.ts'
import { endPolicyOf } from '../plan/per-alloc.ts'
import type { InventoryRecord } from '../plan/record.ts'
import type { GatherContext } from './context.ts'

/** Decides for a managed identity that is not declared and does not end now: it stays as it is. */
export function planAbsentDeclaration(absence: Absence | undefined, record: InventoryRecord): Decision {
  switch (absence?.state) {
    case 'ending':
      throw new Error(`${record.key} ends now`)
    case 'missing':
      // The reading at that time starts a pass.
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
        verdict: {
          state: 'suspended',
          reason: 'NotReadYet',
          message: 'waiting for the first reading of the sources',
        },
      }
  }
}

/** What happens to an identity that is not declared. An end that a person cancelled is one by Retain. */
export function absenceOf(
  { desired, inventory }: Pick<GatherContext, 'desired' | 'inventory'>,
  key: Key,
): Absence | undefined {
  const record = inventory.get(key)
  return record !== undefined && isEndCancelled(record, inventory.orders(key))
    ? { state: 'ending', declaration: retained(record.declaration) }
    : desired.absence(key)
}

/** The declaration by which an identity ends, if it is not the recorded one. */
export function endingDeclaration(absence: Absence | undefined): Declaration | undefined {
  return absence?.state === 'ending' ? absence.declaration : undefined
}

/**
 * To be called when a delete is recorded and not sent: the order that cancels its end may have come since it was planned.
 * Any later one is refused.
 * @throws OperationError where it has
 */
export function assertNotCancelled(
  { inventory }: Pick<GatherContext, 'inventory'>,
  record: InventoryRecord,
): void {
  if (!isEndCancelled(record, inventory.orders(record.key))) return
  throw new OperationError('a person cancelled the end before its delete was sent', {
    kind: 'waiting',
    reason: 'EndCancelled',
    retryAfterMs: 0,
  })
}

function whyGone({ kind, declaration }: InventoryRecord): string {
  return kind === 'Volume' && declaration.instance?.isScaledAway
    ? 'perAlloc.count no longer includes it'
    : 'no longer declared'
}

function policyOf(record: InventoryRecord): string {
  switch (record.kind) {
    case 'Volume':
      return ` (${endPolicyOf(record.declaration)})`
    case 'Snapshot':
    case 'HostVolume':
      return ` (deletionPolicy ${record.declaration.spec.deletionPolicy})`
    case 'SnapshotSchedule':
      return ''
  }
}

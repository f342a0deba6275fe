import type { Declaration } from '../declare/declaration.ts'
import type { StepName } from '../plan/decision.ts'
import type { InventoryRecord } from '../plan/record.ts'

/** With this finalizer, a deleted object stays until its deletionPolicy is carried out. */
export const finalizer = 'mooring.dev/end'

/** Steps that make something at the storage provider. Until it is recorded, the object must stay. */
const makingSteps: ReadonlySet<StepName> = new Set([
  'create-volume',
  'recreate-volume',
  'restore-volume',
  'create-snapshot',
  'create-host-volume',
  'recreate-host-volume',
])

/** Whether the object needs the finalizer before this step. */
export function isHeldFor(step: StepName, declaration: Declaration): boolean {
  return makingSteps.has(step) || hasPolicy(declaration)
}

/**
 * Decides whether an object needs the finalizer.
 * @param declaration of the object as it is now; undefined where that cannot be used
 * @param records the records of this object; several with perAlloc
 * @param isHeld a step for it is about to begin, which no record shows yet
 */
export function planFinalizer(options: {
  readonly hasFinalizer: boolean
  readonly isEnding: boolean
  readonly declaration: Declaration | undefined
  readonly records: readonly InventoryRecord[]
  readonly isHeld: boolean
}): 'add' | 'remove' | 'leave' {
  const { hasFinalizer, isEnding, declaration, records, isHeld } = options
  if (isHeld) return 'leave'
  // The API server adds no finalizer to an object that is being deleted.
  if (isEnding) return hasFinalizer && records.length === 0 ? 'remove' : 'leave'
  if (records.length === 0) return hasFinalizer ? 'remove' : 'leave'
  if (declaration === undefined) return 'leave'
  const isWanted = hasPolicy(declaration) || records.some(isMaking)
  if (isWanted === hasFinalizer) return 'leave'
  return isWanted ? 'add' : 'remove'
}

function hasPolicy({ kind, spec }: Declaration): boolean {
  return kind !== 'SnapshotSchedule' && spec.deletionPolicy !== 'Retain'
}

/** A call may have made something, or the volume is being ended. */
function isMaking(record: InventoryRecord): boolean {
  if (record.kind === 'SnapshotSchedule') return false
  return record.intent !== undefined || (record.kind !== 'Snapshot' && record.end !== undefined)
}

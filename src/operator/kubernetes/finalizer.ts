import type { Declaration } from '../declare/declaration.ts'
import type { StepName } from '../plan/decision.ts'
import type { InventoryRecord } from '../plan/record.ts'

/** Keeps a deleted object until its deletionPolicy is carried out. */
export const finalizer = 'mooring.dev/end'

/** Steps that make something at the provider: until it is known, its object has to stay. */
const makingSteps: ReadonlySet<StepName> = new Set([
  'create-volume',
  'recreate-volume',
  'restore-volume',
  'create-snapshot',
])

/** Whether the finalizer has to be there before the step is taken. */
export function isHeldFor(step: StepName, declaration: Declaration): boolean {
  return makingSteps.has(step) || hasPolicy(declaration)
}

/**
 * Whether an object keeps its finalizer, by what is managed for it.
 * @param declaration what the object says now; undefined where that cannot be used
 * @param records what is managed for this object: of one with perAlloc, several
 * @param isHeld something is about to be begun for it that is not in the records yet
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
  // The API server lets nobody add one to an object that is ending.
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

/** A call is out that may have made something, or an end is under way. */
function isMaking(record: InventoryRecord): boolean {
  if (record.kind === 'SnapshotSchedule') return false
  return record.intent !== undefined || (record.kind === 'Volume' && record.end !== undefined)
}

import type { Declaration, VolumeDeclaration } from '../declare/declaration.ts'
import { formatQuantity } from '../declare/quantities.ts'
import type { Key } from '../plan/identity.ts'
import { familyOf, wholeOf } from '../plan/per-alloc.ts'
import type { VolumeRecord } from '../plan/record.ts'
import { type Condition, summariseConditions } from '../plan/status.ts'

/** One volume that a declaration with perAlloc makes, as the status of that declaration shows it. */
export interface InstanceStatus {
  readonly volumeID: string
  readonly externalID?: string
  readonly capacity?: string
  /** As the status of Ready is: `True`, `False` or `Unknown`. */
  readonly ready: string
  readonly reason: string
  readonly message: string
}

/** A declaration with perAlloc, put together from its instances. */
export interface WholeDeclaration {
  readonly declaration: VolumeDeclaration
  readonly instances: readonly InstanceStatus[]
  readonly conditions: readonly Condition[]
}

/**
 * The declarations with perAlloc that the given instances are of, each with a row for every instance that
 * is declared or managed still, by index.
 */
export function presentWholes(
  declarations: ReadonlyMap<Key, Declaration>,
  recordOf: (key: Key) => VolumeRecord | undefined,
): WholeDeclaration[] {
  const instances = [...declarations].flatMap(([key, declaration]) =>
    declaration.kind === 'Volume' && declaration.instance !== undefined
      ? [{ declaration, index: declaration.instance.index, record: recordOf(key) }]
      : [],
  )
  return [...Map.groupBy(instances, ({ declaration }) => familyOf(declaration)).values()].flatMap(
    (family) => {
      const inOrder = family.sort((one, other) => one.index - other.index)
      const declared = inOrder.find(({ declaration }) => !declaration.instance?.isScaledAway) ?? inOrder[0]
      const whole = declared === undefined ? undefined : wholeOf(declared.declaration)
      if (whole === undefined) return []
      const rows = inOrder.map(({ declaration, record }) => presentInstance(declaration, record))
      const conditions = summariseConditions(
        inOrder.map(({ declaration, record }) => ({
          name: declaration.spec.volumeID,
          conditions: record?.status.conditions ?? [],
        })),
      )
      return [{ declaration: whole, instances: rows, conditions }]
    },
  )
}

function presentInstance(declaration: VolumeDeclaration, record: VolumeRecord | undefined): InstanceStatus {
  const { externalID, sizeBytes, conditions = [] } = record?.status ?? {}
  const ready = conditions.find(({ type }) => type === 'Ready')
  return {
    volumeID: declaration.spec.volumeID,
    ...(externalID === undefined ? {} : { externalID }),
    ...(sizeBytes === undefined ? {} : { capacity: formatQuantity(BigInt(sizeBytes)) }),
    ready: ready?.status ?? 'Unknown',
    reason: ready?.reason ?? 'New',
    message: ready?.message ?? '',
  }
}

import type { Declaration, VolumeDeclaration } from '../declare/declaration.ts'
import { type Key, keyOf, volumeKey } from './identity.ts'
import type { InventoryRecord } from './record.ts'

/**
 * Expands a declaration with `perAlloc` into its volumes `<volumeID>[0]`, `<volumeID>[1]` and so on, as Nomad names them
 * for a job with per_alloc (reference, 3.7). Returns any other declaration, and an instance, unchanged.
 */
export function expandPerAlloc(declaration: Declaration): readonly Declaration[] {
  if (declaration.kind !== 'Volume' || declaration.spec.perAlloc === undefined) return [declaration]
  if (declaration.instance !== undefined) return [declaration]
  const { name, spec } = declaration
  const { perAlloc } = declaration.spec
  return Array.from({ length: perAlloc.count }, (_, index) => ({
    ...declaration,
    name: `${name}[${index}]`,
    instance: { name, volumeID: spec.volumeID, index },
    spec: { ...spec, volumeID: `${spec.volumeID}[${index}]` },
  }))
}

/** A token that the instances of one declaration share, and nothing else has. */
export function familyOf(declaration: Declaration): string {
  const whole = wholeKeyOf(declaration)
  return whole === undefined ? keyOf(declaration) : `${whole}[]`
}

/** The key of the perAlloc declaration of an instance; undefined if it is not an instance. */
export function wholeKeyOf(declaration: Declaration): Key | undefined {
  return declaration.kind === 'Volume' && declaration.instance !== undefined
    ? volumeKey(declaration.spec.namespace, declaration.instance.volumeID)
    : undefined
}

/** The perAlloc declaration of an instance, as written; undefined if it is not an instance. */
export function wholeOf(declaration: Declaration): VolumeDeclaration | undefined {
  if (declaration.kind !== 'Volume' || declaration.instance === undefined) return undefined
  const { instance, ...rest } = declaration
  const { name, volumeID } = instance
  return { ...rest, name, spec: { ...rest.spec, volumeID } }
}

/**
 * Finds the absent identities that a lowered count excludes. Each gets the declaration by which it ends: the current one
 * with `whenScaled` as its deletionPolicy. An end that has begun keeps its declaration.
 */
export function planScaledAway(
  absent: readonly InventoryRecord[],
  owners: ReadonlyMap<Key, Declaration>,
): ReadonlyMap<Key, VolumeDeclaration> {
  const families = new Map<string, VolumeDeclaration>()
  for (const owner of owners.values()) {
    if (owner.kind === 'Volume' && owner.instance !== undefined) families.set(familyOf(owner), owner)
  }
  const scaledAway = new Map<Key, VolumeDeclaration>()
  for (const record of absent) {
    const sibling = families.get(familyOf(record.declaration))
    const leftOut = sibling === undefined ? undefined : leftOutBy(sibling, record)
    if (leftOut !== undefined) scaledAway.set(record.key, leftOut)
  }
  return scaledAway
}

/**
 * The declaration by which a managed volume ends that the count excludes; undefined for any other volume.
 * @param sibling an instance of the current declaration
 */
export function leftOutBy(
  sibling: VolumeDeclaration,
  record: InventoryRecord,
): VolumeDeclaration | undefined {
  if (record.kind !== 'Volume' || familyOf(record.declaration) !== familyOf(sibling)) return undefined
  const { instance } = record.declaration
  const { perAlloc } = sibling.spec
  if (instance === undefined || perAlloc === undefined || instance.index < perAlloc.count) return undefined
  if (record.end !== undefined) return record.declaration
  const { name } = sibling.instance ?? instance
  return {
    ...sibling,
    name: `${name}[${instance.index}]`,
    instance: { ...instance, name, isScaledAway: true },
    spec: {
      ...sibling.spec,
      volumeID: record.declaration.spec.volumeID,
      deletionPolicy: perAlloc.whenScaled,
    },
  }
}

/** The policy by which a volume ends, for messages. */
export function endPolicyOf({ instance, spec }: VolumeDeclaration): string {
  return `${instance?.isScaledAway ? 'perAlloc.whenScaled' : 'deletionPolicy'} ${spec.deletionPolicy}`
}

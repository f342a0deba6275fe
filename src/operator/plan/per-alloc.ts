import type { Declaration, VolumeDeclaration } from '../declare/declaration.ts'
import { type Key, keyOf, volumeKey } from './identity.ts'
import type { InventoryRecord } from './record.ts'

/**
 * A declaration with `perAlloc` as the volumes that it makes, `<volumeID>[0]` and so on, which is how Nomad
 * names them to the allocations of a job with per_alloc (reference, 3.7). Any other as it is, an instance too.
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

/** What a document declares as a whole: all instances of one have it in common, and nothing else has it. */
export function familyOf(declaration: Declaration): string {
  const whole = wholeKeyOf(declaration)
  return whole === undefined ? keyOf(declaration) : `${whole}[]`
}

/** The key by which commands name the declaration that an instance is of; undefined for what is no instance. */
export function wholeKeyOf(declaration: Declaration): Key | undefined {
  return declaration.kind === 'Volume' && declaration.instance !== undefined
    ? volumeKey(declaration.spec.namespace, declaration.instance.volumeID)
    : undefined
}

/** The declaration that an instance is of, as it was written; undefined for what is no instance. */
export function wholeOf(declaration: Declaration): VolumeDeclaration | undefined {
  if (declaration.kind !== 'Volume' || declaration.instance === undefined) return undefined
  const { instance, ...rest } = declaration
  const { name, volumeID } = instance
  return { ...rest, name, spec: { ...rest.spec, volumeID } }
}

/**
 * Of the managed identities that are not declared, those that a lowered count leaves out, each with the
 * declaration by which it ends: the one that stands there now, and `whenScaled` in the place of its
 * deletionPolicy. An end that has begun goes on as it began.
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
 * What a managed volume ends by that the count of its declaration leaves out; undefined for any other.
 * @param sibling an instance of the declaration as it stands there now
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

/** By what a volume ends, as messages name it. */
export function endPolicyOf({ instance, spec }: VolumeDeclaration): string {
  return `${instance?.isScaledAway ? 'perAlloc.whenScaled' : 'deletionPolicy'} ${spec.deletionPolicy}`
}

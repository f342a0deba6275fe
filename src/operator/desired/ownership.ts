import { type Declaration, formatPlace, type Place } from '../declare/declaration.ts'
import { csiNameFor, describe, type Key, keyOf } from '../plan/identity.ts'
import { expandPerAlloc, familyOf, wholeOf } from '../plan/per-alloc.ts'
import type { InventoryRecord } from '../plan/record.ts'

/** A declaration that is not acted upon, and why; the one it collides with goes on. */
export interface Refusal {
  readonly key: Key
  readonly declaration: Declaration
  readonly reason: 'OwnedElsewhere' | 'IdentityChanged' | 'NameTaken' | 'ExternalIDTaken'
  readonly message: string
}

export interface Ownership {
  readonly owners: ReadonlyMap<Key, Declaration>
  readonly refusals: readonly Refusal[]
  /** Managed identities that nothing declares validly, yet whose document still stands there, and why they stay. */
  readonly held: ReadonlyMap<Key, Pick<Refusal, 'reason' | 'message'>>
}

/**
 * Decides which declaration speaks for which identity. Declarations come in the order of their sources,
 * files and documents; of several for one identity the one seen before stays the owner.
 */
export function planOwnership(
  written: readonly Declaration[],
  records: ReadonlyMap<Key, InventoryRecord>,
  region: string,
): Ownership {
  const declarations = written.flatMap(expandPerAlloc)
  const refusals: Refusal[] = []
  const owners = new Map<Key, Declaration>()
  const refuse = (declaration: Declaration, reason: Refusal['reason'], message: string) =>
    refusals.push({ key: keyOf(declaration), declaration, reason, message })

  for (const [key, claimants] of Map.groupBy(declarations, keyOf)) {
    const owner = chooseOwner(claimants, records.get(key)?.declaration.place)
    owners.set(key, owner)
    for (const other of claimants) {
      if (other === owner) continue
      refuse(
        other,
        'OwnedElsewhere',
        `${describe(other)} at ${formatPlace(other.place)} is already declared at ${formatPlace(owner.place)}, which goes on. Remove one of the two.`,
      )
    }
  }

  const held = new Map<Key, Pick<Refusal, 'reason' | 'message'>>()
  const changed = new Map<Key, InventoryRecord>()
  for (const record of records.values()) {
    // Once a complete reading has seen the document gone, what stands there now is a new document.
    if (owners.has(record.key) || record.missingSinceMs !== undefined) continue
    for (const [key, declaration] of owners) {
      if (records.has(key) || !isSameDocument(declaration, record.declaration)) continue
      // Another count is no other identity.
      if (familyOf(declaration) === familyOf(record.declaration)) continue
      held.set(record.key, {
        reason: 'IdentityChanged',
        message:
          'its document now declares another identity, which is refused; this one goes on until the document is removed',
      })
      changed.set(key, record)
    }
  }
  for (const [key, record] of changed) {
    const declaration = owners.get(key)
    if (declaration === undefined || !owners.delete(key)) continue
    refuse(
      declaration,
      'IdentityChanged',
      `the document at ${formatPlace(declaration.place)} declared ${describe(record.declaration)} before and now ${describe(declaration)}: ` +
        'an identity cannot change. Declare the new one in another file and remove this document, which ends the old one by its deletionPolicy.',
    )
  }

  refuseTaken(owners, records, region, refuse)
  for (const { key, reason } of refusals) {
    // Its declaration stands there, if not for what it says now: that is no order to end it.
    if (owners.has(key) || !records.has(key)) continue
    held.set(key, {
      reason,
      message: 'its declaration is refused as it stands now; it stays as it is until that is mended',
    })
  }
  return { owners, refusals, held }
}

/** The same document, else the same name in the same file, else the first in order. */
function chooseOwner(claimants: readonly Declaration[], before: Place | undefined): Declaration {
  const inFile = claimants.filter(
    ({ place }) => place.source === before?.source && place.file === before.file,
  )
  const owner = inFile.find(({ place }) => place.document === before?.document) ?? inFile[0] ?? claimants[0]
  if (owner === undefined) throw new Error('an identity without a declaration')
  return owner
}

function isSameDocument(one: Declaration, other: Declaration): boolean {
  return (
    one.kind === other.kind &&
    one.place.source === other.place.source &&
    one.place.file === other.place.file &&
    one.place.object?.uid === other.place.object?.uid &&
    (one.place.document === other.place.document || writtenName(one) === writtenName(other))
  )
}

function writtenName(declaration: Declaration): string {
  return wholeOf(declaration)?.name ?? declaration.name
}

/** Instances of one document share its name. */
function isSibling(one: Declaration, other: Declaration): boolean {
  return wholeOf(one) !== undefined && familyOf(one) === familyOf(other) && isSameDocument(one, other)
}

/** Names that would make two declarations mean one thing, at the plugin or to whoever refers to them. */
function refuseTaken(
  owners: Map<Key, Declaration>,
  records: ReadonlyMap<Key, InventoryRecord>,
  region: string,
  refuse: (declaration: Declaration, reason: Refusal['reason'], message: string) => void,
): void {
  const taken = new Map<string, Declaration>()
  const isTaken = (token: string, declaration: Declaration) => {
    const holder = taken.get(token)
    return holder !== undefined && !isSibling(holder, declaration)
  }
  // What is managed already keeps its names, whatever its place in the order.
  const inOrder = [...owners].sort(([one], [other]) => Number(records.has(other)) - Number(records.has(one)))
  for (const [key, declaration] of inOrder) {
    const clash = namesOf(key, declaration, records.get(key), region).find(({ token }) =>
      isTaken(token, declaration),
    )
    if (clash === undefined) {
      for (const { token } of namesOf(key, declaration, records.get(key), region))
        taken.set(token, declaration)
      continue
    }
    const other = taken.get(clash.token)
    owners.delete(key)
    refuse(
      declaration,
      clash.reason,
      `${describe(declaration)} at ${formatPlace(declaration.place)} has the same ${clash.what} as ${other === undefined ? 'another' : `${describe(other)} at ${formatPlace(other.place)}`}. Give it one of its own.`,
    )
  }
}

function namesOf(key: Key, declaration: Declaration, record: InventoryRecord | undefined, region: string) {
  const { kind, spec } = declaration
  const written = writtenName(declaration)
  const names: { token: string; what: string; reason: 'NameTaken' | 'ExternalIDTaken' }[] = [
    {
      token: JSON.stringify(['metadata', kind, spec.namespace, written]),
      what: `metadata.name "${written}" in Nomad namespace "${spec.namespace}"`,
      reason: 'NameTaken',
    },
  ]
  if (declaration.kind !== 'Volume') return names
  if (declaration.instance !== undefined) {
    names.push({
      token: JSON.stringify(['family', familyOf(declaration)]),
      what: `volume ID "${declaration.instance.volumeID}" with perAlloc`,
      reason: 'NameTaken',
    })
  }
  const { pluginID } = declaration.spec
  const externalID =
    declaration.spec.externalID ?? (record?.kind === 'Volume' ? record.externalID : undefined)
  if (externalID !== undefined) {
    names.push({
      token: JSON.stringify(['external', pluginID, externalID]),
      what: `external volume "${externalID}" of plugin "${pluginID}"`,
      reason: 'ExternalIDTaken',
    })
  }
  if (declaration.spec.externalID === undefined) {
    const csiName = record?.csiName ?? csiNameFor(key, declaration, region)
    names.push({
      token: JSON.stringify(['name', pluginID, csiName]),
      what: `CSI name "${csiName}" for plugin "${pluginID}"`,
      reason: 'NameTaken',
    })
  }
  return names
}

import { contextsMayAgree } from '../../lib/contexts-may-agree.ts'
import { advise } from '../../lib/reasons/explanation.ts'
import { reasons } from '../../lib/reasons/reasons.ts'
import { filterInSlices, flatMapInSlices, groupInSlices, runAtOnce, type Slices } from '../../lib/slices.ts'
import { type AllowedIDs, noneAllowed } from '../declare/allowed-ids.ts'
import { type Declaration, formatPlace, type Place } from '../declare/declaration.ts'
import { explainForeignID, type ForeignID, findForeignID, type OwnIDs, ownIDs } from '../plan/foreign-ids.ts'
import { csiNameFor, displayName, type Key, keyOf } from '../plan/identity.ts'
import { expandPerAlloc, familyOf, wholeOf } from '../plan/per-alloc.ts'
import { externalToken, type InventoryRecord, registeredContext } from '../plan/record.ts'

/** A declaration that Mooring ignores, and why. The declaration that it conflicts with stays in force. */
export interface Refusal {
  readonly key: Key
  readonly declaration: Declaration
  readonly reason:
    | 'OwnedElsewhere'
    | 'IdentityChanged'
    | 'NameTaken'
    | 'ExternalIDTaken'
    | 'ExternalIDNotAllowed'
  readonly message: string
}

export interface Ownership {
  readonly owners: ReadonlyMap<Key, Declaration>
  readonly refusals: readonly Refusal[]
  /** Managed identities whose document still exists but was refused, and why they stay as they are. */
  readonly held: ReadonlyMap<Key, Pick<Refusal, 'reason' | 'message'>>
  /** What each owner names that only one declaration may name. */
  readonly tokens: ReadonlyMap<Key, readonly string[]>
}

/**
 * Decides which declaration owns each identity. If several declare it, the one that owned it before still does, else
 * the first in the order of sources, files and documents.
 * @param kept recorded declarations that no source shows and whose removal is in doubt: they stay in force
 * @param all every record, where `records` are those of some declarations
 */
export function planOwnership(...parameters: Parameters<typeof planOwnershipInSlices>): Ownership {
  return runAtOnce(planOwnershipInSlices(...parameters))
}

/** As planOwnership, in slices. What is given must not change meanwhile. */
export function* planOwnershipInSlices(
  written: readonly Declaration[],
  records: ReadonlyMap<Key, InventoryRecord>,
  region: string,
  allowedIDs: AllowedIDs = noneAllowed,
  kept: readonly Declaration[] = [],
  all: () => readonly InventoryRecord[] = () => [...records.values()],
): Slices<Ownership> {
  const declarations = yield* flatMapInSlices(written, expandPerAlloc)
  const refusals: Refusal[] = []
  const owners = new Map<Key, Declaration>()
  const refuse = (declaration: Declaration, reason: Refusal['reason'], message: string) =>
    refusals.push({ key: keyOf(declaration), declaration, reason, message })

  for (const [key, claimants] of yield* groupInSlices(declarations, keyOf)) {
    yield
    const owner = chooseOwner(claimants, records.get(key)?.declaration.place)
    owners.set(key, owner)
    for (const other of claimants) {
      if (other === owner) continue
      refuse(
        other,
        'OwnedElsewhere',
        `${displayName(other)} is declared at ${formatPlace(other.place)} and at ${formatPlace(owner.place)}. The second place stays in force. ${advise(reasons.OwnedElsewhere.person.removeOne())}`,
      )
    }
  }

  const held = new Map<Key, Pick<Refusal, 'reason' | 'message'>>()
  const changed = new Map<Key, InventoryRecord>()
  const fresh = yield* groupInSlices(
    yield* filterInSlices(owners, ([key]) => !records.has(key)),
    ([, declaration]) => fileOf(declaration),
  )
  for (const record of fresh.size === 0 ? [] : records.values()) {
    yield
    // If a reading saw that the document was removed, a document at its place is a new one.
    if (owners.has(record.key) || record.missing?.isSeen) continue
    for (const [key, declaration] of fresh.get(fileOf(record.declaration)) ?? []) {
      if (!isSameDocument(declaration, record.declaration)) continue
      // A changed perAlloc.count is not a changed identity.
      if (familyOf(declaration) === familyOf(record.declaration)) continue
      held.set(record.key, {
        reason: 'IdentityChanged',
        message:
          'its document now declares another identity, which is refused; this one stays as it is until the document is removed',
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
      `the document at ${formatPlace(declaration.place)} declared ${displayName(record.declaration)} and now declares ${displayName(declaration)}. ` +
        `A document cannot change its identity. ${advise(reasons.IdentityChanged.person.declareElsewhere())}`,
    )
  }

  for (const declaration of kept) {
    const key = keyOf(declaration)
    if (!owners.has(key) && !held.has(key)) owners.set(key, declaration)
  }
  const tokens = yield* refuseTaken(owners, records, { region, allowedIDs, all }, refuse)
  for (const { key, reason } of refusals) {
    // A refused document still exists, so it does not order an end.
    if (owners.has(key) || !records.has(key)) continue
    held.set(key, {
      reason,
      message: 'its declaration is refused, so nothing changes; correct the declaration',
    })
  }
  return { owners, refusals, held, tokens }
}

/** The same document, else another one in the same file, else the first in order. */
function chooseOwner(claimants: readonly Declaration[], before: Place | undefined): Declaration {
  const inFile = claimants.filter(
    ({ place }) => place.source === before?.source && place.file === before.file,
  )
  const owner = inFile.find(({ place }) => place.document === before?.document) ?? inFile[0] ?? claimants[0]
  if (owner === undefined) throw new Error('an identity without a declaration')
  return owner
}

/** Names the file or object of a declaration. */
function fileOf({ place: { source, file, object } }: Declaration): string {
  return JSON.stringify([source, file, object?.uid])
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

/** Instances of one perAlloc document share its name. */
function isSibling(one: Declaration, other: Declaration): boolean {
  return wholeOf(one) !== undefined && familyOf(one) === familyOf(other) && isSameDocument(one, other)
}

/** Refuses a declaration whose name, external volume or CSI name another one already uses. @returns what the others name */
function* refuseTaken(
  owners: Map<Key, Declaration>,
  records: ReadonlyMap<Key, InventoryRecord>,
  {
    region,
    allowedIDs,
    all,
  }: {
    readonly region: string
    readonly allowedIDs: AllowedIDs
    readonly all: () => readonly InventoryRecord[]
  },
  refuse: (declaration: Declaration, reason: Refusal['reason'], message: string) => void,
): Slices<ReadonlyMap<Key, readonly string[]>> {
  const tokens = new Map<Key, readonly string[]>()
  const taken = new Map<string, { readonly declaration: Declaration; readonly name: Name }[]>()
  const holderOf = (name: Name, declaration: Declaration) =>
    taken
      .get(name.token)
      ?.find(
        (holder) =>
          !isSibling(holder.declaration, declaration) && contextsMayAgree(holder.name.context, name.context),
      )?.declaration
  const foreign = yield* findForeign(owners, records, allowedIDs, all)
  // Managed identities come first, so that they keep their names. Who names what is not theirs comes last.
  const ranks: [Key, Declaration][][] = [[], [], [], []]
  for (const owner of owners) {
    const [key] = owner
    ranks[(foreign.has(key) ? 2 : 0) + (records.has(key) ? 0 : 1)]?.push(owner)
  }
  for (const [key, declaration] of ranks.flat()) {
    yield
    const names = namesOf(key, declaration, records.get(key), region)
    const clash = names.find((name) => holderOf(name, declaration) !== undefined)
    if (clash === undefined) {
      tokens.set(
        key,
        names.map(({ token }) => token),
      )
      for (const name of names) {
        const holders = taken.get(name.token)
        if (holders === undefined) taken.set(name.token, [{ declaration, name }])
        else holders.push({ declaration, name })
      }
      continue
    }
    const other = holderOf(clash, declaration)
    owners.delete(key)
    const named = foreign.get(key)
    if (named !== undefined) {
      // Whose it is, is nothing for this namespace to know.
      refuse(declaration, 'ExternalIDNotAllowed', explainForeignID(named, allowedIDs, declaration.place))
      continue
    }
    refuse(
      declaration,
      clash.reason,
      `${displayName(declaration)} at ${formatPlace(declaration.place)} has the same ${clash.what()} as ${other === undefined ? 'another' : `${displayName(other)} at ${formatPlace(other.place)}`}. ${advise(reasons[clash.reason].person.changeOne())}`,
    )
  }
  return tokens
}

/** What only one declaration may name: metadata.name, an external volume, a CSI name. */
export function tokensOf(
  declaration: Declaration,
  record: InventoryRecord | undefined,
  region: string,
): readonly string[] {
  return namesOf(keyOf(declaration), declaration, record, region).map(({ token }) => token)
}

/** The IDs of plugins that declarations must not name, as far as the records alone tell. */
function* findForeign(
  owners: ReadonlyMap<Key, Declaration>,
  records: ReadonlyMap<Key, InventoryRecord>,
  allowedIDs: AllowedIDs,
  all: () => readonly InventoryRecord[],
): Slices<ReadonlyMap<Key, ForeignID>> {
  const foreign = new Map<Key, ForeignID>()
  const known = new Map<string, OwnIDs>()
  for (const [key, declaration] of owners) {
    yield
    if (declaration.kind !== 'Volume') continue
    const { namespace, pluginID } = declaration.spec
    const own = () => {
      const token = JSON.stringify([namespace, pluginID])
      const found = known.get(token) ?? ownIDs(namespace, pluginID, all(), [])
      known.set(token, found)
      return found
    }
    const record = records.get(key)
    const naming = record?.kind === 'Volume' ? { ...record, declaration } : { csiName: '', declaration }
    const found = findForeignID(naming, allowedIDs, own)
    if (found !== undefined) foreign.set(key, found)
  }
  return foreign
}

/** Something that only one declaration may have. */
interface Name {
  readonly token: string
  /** For people. */
  readonly what: () => string
  readonly reason: 'NameTaken' | 'ExternalIDTaken'
  /** Of a registered volume: with differing contexts, several may have one external ID. */
  readonly context?: Readonly<Record<string, string>> | undefined
}

function namesOf(
  key: Key,
  declaration: Declaration,
  record: InventoryRecord | undefined,
  region: string,
): readonly Name[] {
  const { kind, spec } = declaration
  const written = writtenName(declaration)
  const names: Name[] = [
    {
      token: JSON.stringify(['metadata', kind, spec.namespace, written]),
      what: () => `metadata.name "${written}" in Nomad namespace "${spec.namespace}"`,
      reason: 'NameTaken',
    },
  ]
  if (declaration.kind === 'Snapshot' && declaration.spec.snapshotID !== undefined) {
    const { volume, snapshotID } = declaration.spec
    names.push({
      // Of which plugin it is, its volume says. Another volume cannot have it: adoption compares the source.
      token: JSON.stringify(['snapshot', spec.namespace, volume, snapshotID]),
      what: () => `snapshot "${snapshotID}" of volume "${volume}"`,
      reason: 'ExternalIDTaken',
    })
  }
  if (declaration.kind !== 'Volume') return names
  const { instance } = declaration
  if (instance !== undefined) {
    names.push({
      token: JSON.stringify(['family', familyOf(declaration)]),
      what: () => `volume ID "${instance.volumeID}" with perAlloc`,
      reason: 'NameTaken',
    })
  }
  const { pluginID } = declaration.spec
  const externalID =
    declaration.spec.externalID ?? (record?.kind === 'Volume' ? record.externalID : undefined)
  if (externalID !== undefined) {
    names.push({
      token: JSON.stringify(['external', externalToken(pluginID, externalID)]),
      context: registeredContext(declaration, record?.kind === 'Volume' ? record : undefined),
      what: () => `external volume "${externalID}" of plugin "${pluginID}"`,
      reason: 'ExternalIDTaken',
    })
  }
  if (declaration.spec.externalID === undefined) {
    const csiName = record?.csiName ?? csiNameFor(key, declaration, region)
    names.push({
      token: JSON.stringify(['name', pluginID, csiName]),
      what: () => `CSI name "${csiName}" for plugin "${pluginID}"`,
      reason: 'NameTaken',
    })
  }
  return names
}

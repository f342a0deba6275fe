import { isDeepStrictEqual } from 'node:util'
import type { Volume } from '../../wire/volume.ts'
import { type AllowedIDs, howToAllow, mayName, type PluginID } from '../declare/allowed-ids.ts'
import type { Place } from '../declare/declaration.ts'
import { type InventoryRecord, storedThing, type VolumeRecord } from './record.ts'
import type { Released } from './released.ts'

/** What Mooring knows to belong to a Nomad namespace, at one plugin. */
export interface OwnIDs {
  /** External volumes and snapshots that it has, or had until they were released. */
  readonly ids: ReadonlySet<string>
  /** The names under which it created volumes. */
  readonly names: ReadonlySet<string>
}

/**
 * The IDs and names of the namespace's own volumes and snapshots.
 * @param records those of the plugin
 */
export function ownIDs(
  namespace: string,
  pluginID: string,
  records: readonly InventoryRecord[],
  released: readonly Released[],
): OwnIDs {
  const ids = new Set<string>()
  const names = new Set<string>()
  const isHere = (key: string) => key.split('/')[1] === namespace
  const add = (kind: string, id: string, name: string | undefined) => {
    ids.add(id)
    if (kind === 'Volume' && name !== undefined) names.add(name)
  }
  for (const record of records) {
    const thing = storedThing(record)
    if (!isHere(record.key) || thing.pluginID !== pluginID || thing.externalID === undefined) continue
    add(record.kind, thing.externalID, record.csiName)
  }
  for (const { key, pluginID: plugin, externalID, csiName } of released) {
    if (isHere(key) && plugin === pluginID && externalID !== '')
      add(key.split('/')[0] ?? '', externalID, csiName)
  }
  return { ids, names }
}

/** An ID or name of the plugin in a declaration that may not name it. */
export interface ForeignID extends PluginID {
  readonly field: string
}

/** The parts of a volume's record that decide. */
export type NamingRecord = Pick<VolumeRecord, 'declaration' | 'externalID' | 'csiName' | 'context' | 'intent'>

/**
 * The first ID of the storage provider that the declaration of a volume must not name: neither is it one of its
 * namespace, nor did an administrator allow it. Plugins know no namespaces, so an ID alone gives access to the data. What
 * is recorded for the volume already stays usable.
 * @param volume Nomad's volume of this ID. Nomad decided who may use it, so it may be adopted
 */
export function findForeignID(
  { declaration, externalID, csiName, context, intent }: NamingRecord,
  allowed: AllowedIDs,
  own: () => OwnIDs,
  volume?: Pick<Volume, 'Context'>,
): ForeignID | undefined {
  const { spec, place } = declaration
  const { pluginID, source } = spec
  const isNew = externalID === undefined && intent === undefined && volume === undefined
  const isOwnName =
    externalID !== undefined && (csiName === spec.name || csiName.startsWith(`${spec.name}-r`))
  const isOwn = (id: string) => own().ids.has(id)
  const named: { field: string; id: string | undefined; isUsable: (id: string) => boolean }[] = [
    {
      field: 'spec.externalID',
      id: spec.externalID,
      isUsable: (id) => id === externalID || volume !== undefined || isOwn(id),
    },
    { field: 'spec.source.snapshotID', id: source?.snapshotID, isUsable: (id) => !isNew || isOwn(id) },
    { field: 'spec.source.cloneID', id: source?.cloneID, isUsable: (id) => !isNew || isOwn(id) },
    // A plugin answers a create with the volume that has the name already.
    {
      field: 'spec.name',
      id: spec.name,
      isUsable: (name) => (externalID === undefined ? !isNew : isOwnName) || own().names.has(name),
    },
    // The context can say where the data is, whatever the ID.
    {
      field: 'spec.context of external volume',
      id: isEmpty(spec.context) ? undefined : spec.externalID,
      isUsable: () =>
        isDeepStrictEqual(spec.context, isEmpty(volume?.Context) ? context : { ...volume?.Context }),
    },
  ]
  for (const { field, id, isUsable } of named) {
    if (id !== undefined && !mayName(allowed, place, { pluginID, id }) && !isUsable(id))
      return { field, pluginID, id }
  }
  return undefined
}

function isEmpty(map: object | null | undefined): boolean {
  return map == null || Object.keys(map).length === 0
}

/** Why the ID is refused, and what to do. */
export function explainForeignID({ field, ...named }: ForeignID, allowed: AllowedIDs, place: Place): string {
  const { namespace = '' } = place.object ?? {}
  return (
    `${field} "${named.id}" of plugin "${named.pluginID}" was not made for Kubernetes namespace "${namespace}", so its objects may not name it. ` +
    `Nothing changes. ${howToAllow(allowed, place, named)}`
  )
}

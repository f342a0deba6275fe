import { stringifyJSON } from '../../lib/json.ts'
import type { VolumeStub } from '../../wire/volume.ts'
import { claimsOf } from '../state/claims-of.ts'
import { type ClaimRecord, type PluginRecord, type VolumeRecord, volumeKey } from '../state/records.ts'
import type { State } from '../state/state.ts'
import { compareVolumes, Table, type VolumePlace } from '../state/table.ts'
import { definition, health, identity, provider, times } from './present-volume.ts'

/** What a list needs of one volume. It never changes: a change of the volume or of its claims makes a new one. */
export interface ListRow extends VolumePlace {
  readonly volume: VolumeRecord
  readonly claims: readonly ClaimRecord[]
  /**
   * What is shown of the volume, as JSON in parts. The first part begins the object, and the last one ends it. The health of
   * the plugin is not in it, and a read shows no counts, and a list no definition.
   */
  readonly identity: string
  readonly counts: string
  readonly definition: string
  readonly times: string
}

/** The plugins of one moment, by ID. */
export type PluginsThen = ReadonlyMap<string, PluginRecord>

export type ListRows = Table<ListRow, VolumePlace>

/** A row for each volume, in the order of lists, serialised when it changes and not when it is listed. */
export function followListRows(state: State): ListRows {
  const rows = new Table<ListRow, VolumePlace>(
    ({ volume }) => volumeKey(volume.namespace, volume.id),
    compareVolumes,
  )
  const renew = (key: string) => {
    const volume = state.csi_volumes.get(key)
    if (volume === undefined) rows.remove(key)
    else rows.set(createListRow(volume, claimsOf(state, volume)))
  }
  for (const volume of state.csi_volumes.list()) rows.set(createListRow(volume, claimsOf(state, volume)))
  state.follow((changes) => {
    const keys = changes.flatMap(({ table, key, before, after }) => {
      if (table === 'csi_volumes') return [key]
      if (table !== 'csi_claims') return []
      const claim = (after ?? before) as ClaimRecord
      return [volumeKey(claim.namespace, claim.volumeID)]
    })
    for (const key of new Set(keys)) renew(key)
  })
  return rows
}

export function createListRow(volume: VolumeRecord, claims: readonly ClaimRecord[]): ListRow {
  return {
    namespace: volume.namespace,
    id: volume.id,
    volume,
    claims: claims.length === 0 ? noClaims : claims,
    identity: stringifyJSON(identity(volume, claims)).slice(0, -1),
    counts: claims.length === 0 ? noCounts : fieldsOf(counts(claims)),
    definition: fieldsOf(definition(volume)),
    times: stringifyJSON(times(volume)).slice(1),
  }
}

const noClaims: readonly ClaimRecord[] = []

/** The fields of an object as JSON, without the braces around them. */
const fieldsOf = (part: object) => stringifyJSON(part).slice(1, -1)

const counts = (claims: readonly ClaimRecord[]) => ({
  CurrentReaders: claims.filter(({ mode }) => mode === 'read').length,
  CurrentWriters: claims.filter(({ mode }) => mode === 'write').length,
})
const noCounts = fieldsOf(counts([]))

/** What List Volumes shows of a volume: with the health of its plugin and the counts of its claims as they were. */
export const presentVolumeStub = ({ volume, claims }: ListRow, plugins: PluginsThen): VolumeStub => ({
  ...identity(volume, claims),
  ...counts(claims),
  ...health(volume.pluginID, plugins.get(volume.pluginID)),
  ...times(volume),
})

/** The same as JSON: its parts, to be joined by commas. */
export function createStubWriter(plugins: PluginsThen): (row: ListRow, parts: string[]) => void {
  const healthOf = new Map<string, string>()
  return ({ volume: { pluginID }, identity, counts, times }, parts) => {
    let text = healthOf.get(pluginID)
    if (text === undefined) {
      text = fieldsOf(health(pluginID, plugins.get(pluginID)))
      healthOf.set(pluginID, text)
    }
    parts.push(identity, counts, text, times)
  }
}

/** What Read Volume answers of a volume that nothing claims, as JSON. */
export function createReadWriter(): (row: ListRow, plugin: PluginRecord | undefined) => string {
  const providers = new WeakMap<PluginRecord, string>()
  return ({ volume: { pluginID }, identity, definition, times }, plugin) => {
    const known = plugin && providers.get(plugin)
    const shown = known ?? fieldsOf({ ...noAllocations, ...provider(pluginID, plugin) })
    if (plugin !== undefined && known === undefined) providers.set(plugin, shown)
    return `${identity},${definition},${shown},${times}`
  }
}

const noAllocations = { ReadAllocs: {}, WriteAllocs: {}, Allocations: [] }

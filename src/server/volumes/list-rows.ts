import { stringifyJSON } from '../../lib/json.ts'
import type { VolumeStub } from '../../wire/volume.ts'
import { claimsOf } from '../state/claims-of.ts'
import { type ClaimRecord, type PluginRecord, type VolumeRecord, volumeKey } from '../state/records.ts'
import type { State } from '../state/state.ts'
import { compareVolumes, Table, type VolumePlace } from '../state/table.ts'
import { health, identity, times } from './present-volume.ts'

/** What a list needs of one volume. It never changes: a change of the volume or of its claims makes a new one. */
export interface ListRow extends VolumePlace {
  readonly volume: VolumeRecord
  readonly claims: readonly ClaimRecord[]
  /** The stub as JSON, but for the health of the plugin, which belongs between the two. */
  readonly head: string
  readonly tail: string
}

/** The plugins of one moment, by ID. */
export type PluginsThen = ReadonlyMap<string, PluginRecord>

/** A row for each volume, in the order of lists, serialised when it changes and not when it is listed. */
export function followListRows(state: State): Table<ListRow, VolumePlace> {
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
    head: stringifyJSON(head(volume, claims)).slice(0, -1),
    tail: stringifyJSON(times(volume)).slice(1),
  }
}

const noClaims: readonly ClaimRecord[] = []

/** What List Volumes shows of a volume: with the health of its plugin and the counts of its claims as they were. */
export const presentVolumeStub = ({ volume, claims }: ListRow, plugins: PluginsThen): VolumeStub => ({
  ...head(volume, claims),
  ...health(volume.pluginID, plugins.get(volume.pluginID)),
  ...times(volume),
})

/** The same as JSON: its parts, to be joined by commas. */
export function createStubWriter(plugins: PluginsThen): (row: ListRow, parts: string[]) => void {
  const healthOf = new Map<string, string>()
  return ({ volume: { pluginID }, head, tail }, parts) => {
    let text = healthOf.get(pluginID)
    if (text === undefined) {
      text = stringifyJSON(health(pluginID, plugins.get(pluginID))).slice(1, -1)
      healthOf.set(pluginID, text)
    }
    parts.push(head, text, tail)
  }
}

const head = (volume: VolumeRecord, claims: readonly ClaimRecord[]) => ({
  ...identity(volume, claims),
  CurrentReaders: claims.filter(({ mode }) => mode === 'read').length,
  CurrentWriters: claims.filter(({ mode }) => mode === 'write').length,
})

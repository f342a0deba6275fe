import { errorMessage } from '../lib/errors.ts'
import type { VolumeReads } from '../nomad/reads.ts'
import { volumeKey } from './plan/identity.ts'
import { firstFree, nameOf } from './plan/import-volume.ts'
import { canList } from './plan/orphans.ts'
import { externalToken, type InventoryRecord, type VolumeRecord } from './plan/record.ts'
import type { Released } from './plan/released.ts'

/** A declaration that adopts a snapshot which is in storage already. */
export interface ImportedSnapshot {
  readonly name: string
  readonly namespace: string
  readonly spec: Readonly<Record<string, unknown>>
}

/**
 * Reads the snapshots of managed volumes that Mooring does not manage, as declarations. A volume that a restore replaced
 * counts as the volume's too.
 * @param options `namespace`: `*` stands for all; `ids`: the volumes; empty: all that are managed
 * @returns `unknown`: what could not be read, and why
 */
export async function importSnapshots(
  client: Pick<VolumeReads, 'readPlugin' | 'listSnapshots'>,
  options: {
    readonly namespace: string
    readonly ids: readonly string[]
    readonly records: readonly InventoryRecord[]
    readonly released: readonly Released[]
  },
): Promise<{ readonly snapshots: readonly ImportedSnapshot[]; readonly unknown: readonly string[] }> {
  const { namespace, ids, records, released } = options
  const isMeant = ({ declaration: { spec } }: VolumeRecord) =>
    (namespace === '*' || spec.namespace === namespace) && (ids.length === 0 || ids.includes(spec.volumeID))
  const volumes = records.filter((record) => record.kind === 'Volume').filter(isMeant)
  const unknown = ids
    .filter((id) => volumes.every(({ declaration }) => declaration.spec.volumeID !== id))
    .map((id) => `volume "${id}": Mooring does not manage it; declare it first`)
  const known = new Set(
    records.flatMap(({ kind, ...record }) => {
      const { pluginID = '', snapshotID } = record as { pluginID?: string; snapshotID?: string }
      return kind === 'Snapshot' && snapshotID !== undefined ? [externalToken(pluginID, snapshotID)] : []
    }),
  )
  /** The volume of each external volume, at its plugin. */
  const owners = new Map<string, VolumeRecord>()
  for (const volume of volumes) {
    const { spec } = volume.declaration
    const key = volumeKey(spec.namespace, spec.volumeID)
    const former = released.filter((each) => each.key === key && each.pluginID === spec.pluginID)
    for (const id of [volume.externalID, ...former.map(({ externalID }) => externalID)])
      if (id !== undefined && id !== '') owners.set(externalToken(spec.pluginID, id), volume)
  }
  const names = new Map<string, Set<string>>()
  for (const { kind, declaration } of records) {
    if (kind === 'Snapshot') namesOf(names, declaration.spec.namespace).add(declaration.name)
  }
  const snapshots: ImportedSnapshot[] = []
  for (const pluginID of new Set(volumes.map(({ declaration }) => declaration.spec.pluginID))) {
    const of = `snapshots of plugin "${pluginID}"`
    try {
      const plugin = await client.readPlugin(pluginID)
      if (plugin === undefined || !canList(plugin, 'snapshots')) {
        unknown.push(`${of}: the plugin does not announce that it can list them`)
        continue
      }
      for (const { ID, ExternalSourceVolumeID } of (await client.listSnapshots(pluginID)).values()) {
        const owner = owners.get(externalToken(pluginID, ExternalSourceVolumeID))
        if (owner === undefined || known.has(externalToken(pluginID, ID))) continue
        const { name: volume, spec } = owner.declaration
        const taken = namesOf(names, spec.namespace)
        const name = firstFree(nameOf(ID, 'snapshot'), taken)
        taken.add(name)
        snapshots.push({
          name,
          namespace: spec.namespace,
          spec: { namespace: spec.namespace, volume, snapshotID: ID, deletionPolicy: 'Retain' },
        })
      }
    } catch (error) {
      unknown.push(`${of}: ${errorMessage(error)}`)
    }
  }
  return { snapshots, unknown }
}

function namesOf(names: Map<string, Set<string>>, namespace: string): Set<string> {
  const found = names.get(namespace) ?? new Set()
  names.set(namespace, found)
  return found
}

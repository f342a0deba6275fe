import { filterInSlices, flatMapInSlices, forEachInSlices, runAtOnce, type Slices } from '../../lib/slices.ts'
import type { Plugin } from '../../wire/plugin.ts'
import type { Snapshot } from '../../wire/snapshot.ts'
import type { ExternalVolume, Int64, VolumeStub } from '../../wire/volume.ts'
import { type Key, volumeKey } from './identity.ts'
import { hasCapability } from './plugin-gate.ts'
import { type InventoryRecord, storedThing } from './record.ts'
import type { Released } from './released.ts'

/** A volume or snapshot in a plugin's storage that neither Nomad nor a declaration knows. */
export interface StorageOrphan {
  readonly kind: 'Volume' | 'Snapshot'
  readonly pluginID: string
  readonly externalID: string
  readonly sizeBytes: Int64
  /** Set if Mooring managed it before. */
  readonly released?: Released
}

/** A volume in Nomad that no declaration knows. */
export interface NomadOrphan {
  readonly namespace: string
  readonly volumeID: string
  readonly pluginID: string
  readonly externalID: string
  readonly released?: Released
}

/** Still managed, although no source declares it. */
export interface UnfinishedOrphan {
  readonly key: Key
  readonly pluginID: string
  readonly externalID?: string
  /** CSI name of a create whose outcome is unknown. */
  readonly unsettledName?: string
  readonly reason: string
  readonly message: string
}

/** Everything that no source declares. Mooring only reports it. */
export interface Orphans {
  readonly inStorage: readonly StorageOrphan[]
  readonly inNomad: readonly NomadOrphan[]
  readonly undeclared: readonly UnfinishedOrphan[]
  /** What could not be read, and why. If this is not empty, the lists may be incomplete. */
  readonly unknown: readonly string[]
}

/** A plugin's lists of its storage. A failure to list is not an empty list. */
export interface Storage {
  readonly plugin: Plugin
  readonly volumes: ReadonlyMap<string, ExternalVolume> | { readonly failure: string }
  readonly snapshots: ReadonlyMap<string, Snapshot> | { readonly failure: string }
}

/** What orphans are found by. */
interface Known {
  readonly storages: readonly Storage[]
  /** Volumes of every namespace that could be read. */
  readonly volumes: readonly VolumeStub[]
  readonly records: readonly InventoryRecord[]
  readonly released: readonly Released[]
  readonly declared: ReadonlySet<Key>
}

type Found = Omit<Orphans, 'unknown'> & { readonly unknown: string[] }

/** Compares storage, Nomad and declarations. Pure. */
export function planOrphans(options: Known): Found {
  return runAtOnce(planOrphansInSlices(options))
}

/** As planOrphans, in slices. */
export function* planOrphansInSlices(options: Known): Slices<Found> {
  const { storages, volumes, records, released, declared } = options
  const token = (pluginID: string, externalID: string) => JSON.stringify([pluginID, externalID])
  const releasedBy = new Map(released.map((each) => [token(each.pluginID, each.externalID), each]))
  const known = new Set<string>()
  yield* forEachInSlices(volumes, (volume) => void known.add(token(volume.PluginID, volume.ExternalID)))
  const tombstones = new Set<string>()
  for (const record of records) {
    yield
    const { pluginID, externalID } = storedThing(record)
    if (pluginID !== undefined && externalID !== undefined) known.add(token(pluginID, externalID))
    if (record.kind === 'Volume' && record.end !== undefined) tombstones.add(record.end.tombstoneID)
  }
  const managed = new Set(records.map(({ key }) => key))
  const noteOf = (pluginID: string, externalID: string) => {
    const found = releasedBy.get(token(pluginID, externalID))
    return found === undefined ? {} : { released: found }
  }

  const inStorage: StorageOrphan[] = []
  for (const { plugin, volumes, snapshots } of storages) {
    const found: Omit<StorageOrphan, 'released'>[] = []
    if (isList(volumes)) {
      for (const { ExternalID, CapacityBytes } of volumes.values())
        found.push({ kind: 'Volume', pluginID: plugin.ID, externalID: ExternalID, sizeBytes: CapacityBytes })
    }
    if (isList(snapshots)) {
      for (const { ID, SizeBytes } of snapshots.values())
        found.push({ kind: 'Snapshot', pluginID: plugin.ID, externalID: ID, sizeBytes: SizeBytes })
    }
    const orphans = yield* filterInSlices(
      found,
      ({ pluginID, externalID }) => !known.has(token(pluginID, externalID)),
    )
    for (const orphan of orphans) inStorage.push({ ...orphan, ...noteOf(orphan.pluginID, orphan.externalID) })
  }

  const inNomad = yield* flatMapInSlices(volumes, ({ Namespace, ID, PluginID, ExternalID }) => {
    const key = volumeKey(Namespace, ID)
    return declared.has(key) || managed.has(key) || tombstones.has(ID)
      ? []
      : [
          {
            namespace: Namespace,
            volumeID: ID,
            pluginID: PluginID,
            externalID: ExternalID,
            ...noteOf(PluginID, ExternalID),
          },
        ]
  })

  return {
    inStorage,
    inNomad,
    // No source declares a schedule's snapshots, and they outlive the schedule.
    undeclared: (yield* filterInSlices(
      records,
      (record) => !declared.has(record.key) && !(record.kind === 'Snapshot' && record.schedule),
    )).map(presentUndeclared),
    unknown: storages.flatMap(explainUnknown),
  }
}

function presentUndeclared(record: InventoryRecord): UnfinishedOrphan {
  const { pluginID = '', externalID } = storedThing(record)
  const ready = record.status.conditions.find(({ type }) => type === 'Ready')
  return {
    key: record.key,
    pluginID,
    ...(externalID === undefined ? {} : { externalID }),
    ...(record.kind === 'SnapshotSchedule' || record.intent === undefined
      ? {}
      : { unsettledName: record.csiName }),
    reason: ready?.reason ?? 'New',
    message: ready?.message ?? '',
  }
}

function isList<Item>(
  list: ReadonlyMap<string, Item> | { readonly failure: string },
): list is ReadonlyMap<string, Item> {
  return !('failure' in list)
}

function explainUnknown({ plugin, volumes, snapshots }: Storage): string[] {
  return [
    ...(isList(volumes) ? [] : [`volumes in the storage of plugin "${plugin.ID}": ${volumes.failure}`]),
    ...(isList(snapshots) ? [] : [`snapshots in the storage of plugin "${plugin.ID}": ${snapshots.failure}`]),
  ]
}

/** Whether a plugin can list what is in its storage. */
export function canList(plugin: Plugin, what: 'volumes' | 'snapshots'): boolean {
  return hasCapability(plugin, what === 'volumes' ? 'SupportsListVolumes' : 'SupportsListSnapshots')
}

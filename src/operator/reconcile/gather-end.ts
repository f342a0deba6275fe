import { provesAbsence } from '../../lib/partial-map.ts'
import type { Observer } from '../../nomad/ports.ts'
import type { Plugin } from '../../wire/plugin.ts'
import { claimsOf } from '../plan/claims.ts'
import { displayName, tombstoneID, volumeKey } from '../plan/identity.ts'
import { isListProof } from '../plan/late-list.ts'
import { hasCapability } from '../plan/plugin-gate.ts'
import { externalToken, type VolumeRecord } from '../plan/record.ts'
import type { GatherContext } from './context.ts'
import { gatherDetach } from './gather-detach.ts'
import { secretsForEnd } from './secrets-for-end.ts'
import { sharersOf } from './sharers.ts'
import { nothingSeen, type VolumeSeen } from './volume-seen.ts'

/** Reads everything that the end of a volume depends on. */
export async function gatherEnd(context: GatherContext, record: VolumeRecord): Promise<VolumeSeen> {
  const { observer, callsEndedBeforeMs } = context
  const { spec } = record.declaration
  const { externalID } = record
  const volume = await observer.volume(spec.namespace, spec.volumeID)
  const secretValues = await secretsForEnd(context, record.declaration)
  const plugin = await observer.plugin(spec.pluginID)
  const tombstone =
    externalID === undefined
      ? undefined
      : await observer.volume(spec.namespace, tombstoneID(record.key, externalID))
  const asksList =
    externalID !== undefined && volume === undefined && hasCapability(plugin, 'SupportsListVolumes')
  if (asksList) observer.invalidate({ pluginID: spec.pluginID })
  const isUnlisted =
    asksList &&
    provesAbsence(await observer.externalVolumes(spec.pluginID), externalID) &&
    isListProof(record, context.time())
  const canListSnapshots = hasCapability(plugin, 'SupportsListSnapshots')
  const observation = {
    volume,
    tombstone,
    plugin,
    isUnlisted,
    isFinalSnapshotReady: await isFinalSnapshotReady(context, record, canListSnapshots),
    snapshotIDs:
      record.end?.refusal === undefined || externalID === undefined
        ? []
        : await snapshotsOf(observer, plugin, externalID),
    dependents: dependentsOf(context, record),
    sharers: await sharersOf(context, record),
    isMadeTaken: await isMadeTaken(context, record),
    callsEndedBeforeMs,
  }
  // Claims delay the end. During a restore the next step may change which volume they are of.
  const mayDetach = volume !== undefined && claimsOf(volume).length > 0 && record.restore === undefined
  return {
    ...nothingSeen,
    by: { type: 'ending', observation },
    volume,
    plugin,
    secretValues,
    detach: mayDetach
      ? await gatherDetach(context, record, { volume, plugin, listed: undefined })
      : { type: 'none' },
  }
}

/** Whether another volume has the external volume that the broken answer to this one's create named. */
async function isMadeTaken(
  { inventory, observer }: GatherContext,
  { key, intent, declaration: { spec } }: VolumeRecord,
): Promise<boolean> {
  const made = intent?.broken?.externalID
  if (made === undefined) return false
  const others = inventory.find('external', externalToken(spec.pluginID, made))
  const stubs = await observer.volumeStubs(spec.namespace)
  return (
    others.some((other) => other.key !== key) ||
    stubs.some(({ PluginID, ExternalID }) => PluginID === spec.pluginID && ExternalID === made)
  )
}

/** IDs of all snapshots of an external volume; empty if the plugin cannot list. */
export async function snapshotsOf(
  observer: Observer,
  plugin: Plugin | undefined,
  externalID: string,
): Promise<string[]> {
  if (plugin === undefined || !hasCapability(plugin, 'SupportsListSnapshots')) return []
  const listed = await observer.snapshots(plugin.ID)
  return [...listed.values()]
    .filter(({ ExternalSourceVolumeID }) => ExternalSourceVolumeID === externalID)
    .map(({ ID }) => ID)
    .sort()
}

/** If the plugin cannot list snapshots, its answer to the create is enough. */
async function isFinalSnapshotReady(
  { observer }: GatherContext,
  { finalSnapshot, declaration }: VolumeRecord,
  canList: boolean,
): Promise<boolean | undefined> {
  const snapshotID = finalSnapshot?.snapshotID
  if (snapshotID === undefined) return undefined
  if (!canList) return true
  return (await observer.snapshots(declaration.spec.pluginID)).get(snapshotID)?.IsReady === true
}

/** Declared snapshots of the volume, clones that have still to be created, and its snapshots that are being deleted. */
function dependentsOf({ desired, inventory }: GatherContext, record: VolumeRecord): string[] {
  const { name, spec } = record.declaration
  const declared = [...desired.declarations().values()].filter((declaration) => {
    if (declaration.spec.namespace !== spec.namespace) return false
    if (declaration.kind === 'Snapshot') return declaration.spec.volume === name
    if (declaration.kind !== 'Volume' || declaration.spec.source?.volume !== name) return false
    const clone = inventory.get(volumeKey(spec.namespace, declaration.spec.volumeID))
    return clone?.kind === 'Volume' && clone.externalID === undefined
  })
  const ending = inventory
    .find('snapshotsOf', `${spec.namespace}/${name}`)
    .filter(
      (other) =>
        other.kind === 'Snapshot' &&
        desired.declaration(other.key) === undefined &&
        other.declaration.spec.deletionPolicy === 'Delete',
    )
  return [...declared.map(displayName), ...ending.map((other) => displayName(other.declaration))]
}

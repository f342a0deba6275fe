import { provesAbsence } from '../../lib/partial-map.ts'
import type { Observer } from '../../nomad/ports.ts'
import type { Plugin } from '../../wire/plugin.ts'
import { claimsOf } from '../plan/claims.ts'
import { displayName, keyOf, tombstoneID } from '../plan/identity.ts'
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
  // Whether the external volume is gone decides only before a tombstone is registered.
  const asksList =
    externalID !== undefined &&
    volume === undefined &&
    tombstone === undefined &&
    record.end?.phase !== 'delete' &&
    hasCapability(plugin, 'SupportsListVolumes')
  const isUnlisted = asksList && (await isProvenGone(context, record, externalID))
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

/**
 * Whether a fresh list of the plugin lacks the external volume. It is read only if the recent one lacks it too: of many
 * that end together, each would else read the whole list. One that went since then is deleted like any other, and the
 * plugin says that it is gone.
 */
async function isProvenGone(
  { observer, time }: GatherContext,
  record: VolumeRecord,
  externalID: string,
): Promise<boolean> {
  const { pluginID } = record.declaration.spec
  if ((await observer.recentExternalVolumes(pluginID)).has(externalID)) return false
  observer.invalidate({ pluginID })
  return provesAbsence(await observer.externalVolumes(pluginID), externalID) && isListProof(record, time())
}

/** Whether another volume has the external volume that the broken answer to this one's create named. */
async function isMadeTaken(
  { inventory, observer }: GatherContext,
  { key, intent, declaration: { spec } }: VolumeRecord,
): Promise<boolean> {
  const made = intent?.broken?.externalID
  if (made === undefined) return false
  const others = inventory.find('external', externalToken(spec.pluginID, made))
  const stubs = await observer.findVolumeStubs(spec.namespace, 'ExternalID', made)
  return others.some((other) => other.key !== key) || stubs.some(({ PluginID }) => PluginID === spec.pluginID)
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
  const clones = desired.find('cloneOf', `${spec.namespace}/${name}`).filter((declaration) => {
    const clone = inventory.get(keyOf(declaration))
    return clone?.kind === 'Volume' && clone.externalID === undefined
  })
  const declared = [...desired.find('snapshotOf', `${spec.namespace}/${name}`), ...clones]
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

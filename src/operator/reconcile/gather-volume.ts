import { contextsMayAgree } from '../../lib/contexts-may-agree.ts'
import { provesAbsence } from '../../lib/partial-map.ts'
import { advise } from '../../lib/reasons/explanation.ts'
import { reasons } from '../../lib/reasons/reasons.ts'
import type { VolumeField } from '../../nomad/ports.ts'
import type { Room } from '../../wire/plugin.ts'
import type { ExternalVolume, Volume } from '../../wire/volume.ts'
import { noneAllowed } from '../declare/allowed-ids.ts'
import type { VolumeDeclaration } from '../declare/declaration.ts'
import { explainForeignID, findForeignID, ownIDs } from '../plan/foreign-ids.ts'
import { keyOf, scheduleKey, snapshotKey } from '../plan/identity.ts'
import { isListProof } from '../plan/late-list.ts'
import { findLatest } from '../plan/latest-snapshot.ts'
import { hasCapability } from '../plan/plugin-gate.ts'
import { type HiddenHashes, registeredContext, type VolumeRecord } from '../plan/record.ts'
import { refuseShared } from '../plan/shared-external.ts'
import { compareVolume } from '../plan/volume-difference.ts'
import type { SourceObservation } from '../plan/volume-observation.ts'
import { updateVolumeRequest } from '../plan/volume-request.ts'
import type { GatherContext } from './context.ts'
import { explainSeveral } from './explain-several.ts'
import { claimNodesOf, gatherDetach } from './gather-detach.ts'
import { gatherRestore } from './gather-restore.ts'
import { sharersOf } from './sharers.ts'
import type { VolumeSeen } from './volume-seen.ts'

/** Reads everything that the plan of a declared volume needs. */
export async function gatherVolume(context: GatherContext, record: VolumeRecord): Promise<VolumeSeen> {
  const { observer, inventory, callsEndedBeforeMs } = context
  const { spec } = record.declaration
  const [volume, plugin] = await Promise.all([
    observer.volume(spec.namespace, spec.volumeID),
    observer.plugin(spec.pluginID),
  ])
  const { object } = record.declaration.place
  const secretValues = await context.secrets.resolve(spec.secrets ?? {}, spec.namespace, object)
  const hashes = hiddenHashes(context, record, secretValues)
  const updateHash =
    volume === undefined
      ? undefined
      : inventory.keyedHash(
          // An update of a record that Nomad lost since says nothing of the one that took its place.
          JSON.stringify([updateVolumeRequest(spec, volume), hashes, volume.CreateIndex], (_key, value) =>
            typeof value === 'bigint' ? value.toString() : value,
          ),
        )
  const source = await sourceOf(context, record)
  const sharers = await sharersOf(context, record)
  const hash = specHash(context, record)
  const isSpecUnchanged = record.settledSpecHash === hash
  const externalID = record.externalID ?? spec.externalID
  const namespaceExists = volume !== undefined || (await observer.namespaceExists(spec.namespace))
  const takenBy = volume === undefined ? await findTaker(context, record) : undefined
  // The plugin's list is read only if it decides something: whether the volume can be registered, its size, whether it
  // still exists. The last only after it was ready once, so that many creates at once read no lists.
  const wasReady = record.settledSpecHash !== undefined
  const asksList =
    externalID !== undefined &&
    (record.restore === undefined || record.restore.undoneFor !== undefined) &&
    (volume === undefined || wasReady || BigInt(volume.Capacity) === 0n) &&
    hasCapability(plugin, 'SupportsListVolumes')
  const external = asksList
    ? await findExternal(context, record, externalID, volume !== undefined)
    : externalID !== undefined && volume === undefined
      ? ((await context.plugins?.externalVolume(spec.pluginID, externalID)) ?? 'unknown')
      : 'unknown'
  const room = externalID === undefined && volume === undefined ? await findRoom(context, record) : undefined
  const restore = await gatherRestore(context, record, volume, hashes)
  const foreignID = explainForeign(context, record, volume)
  const listed = typeof external === 'object' ? external : undefined
  const observation = {
    volume,
    plugin,
    external,
    source,
    namespaceExists,
    takenBy,
    sharers,
    ...(room === undefined ? {} : { room }),
    isSpecUnchanged,
    isRecreateOrdered:
      externalID !== undefined && inventory.orders(record.key).recreate?.externalID === externalID,
    restore,
    hashes,
    updateHash,
    callsEndedBeforeMs,
    ...(foreignID === undefined ? {} : { foreignID }),
  }
  // During a restore or a cancelled end, the next step may change which volume an attachment is of.
  const mayDetach = volume !== undefined && record.restore === undefined && record.end === undefined
  return {
    by: { type: 'declared', observation },
    volume,
    plugin,
    listed,
    source,
    secretValues,
    hashes,
    updateHash,
    specHash: hash,
    restoreOrder: restore.ordered,
    drainingNodes: volume === undefined ? [] : await findDraining(context, record, volume, hashes, listed),
    detach: mayDetach ? await gatherDetach(context, record, { volume, plugin, listed }) : { type: 'none' },
  }
}

function explainForeign(
  { inventory, allowedIDs = noneAllowed }: GatherContext,
  record: VolumeRecord,
  volume: Volume | undefined,
): string | undefined {
  const { spec, place } = record.declaration
  const own = () =>
    ownIDs(spec.namespace, spec.pluginID, inventory.find('plugin', spec.pluginID), inventory.released())
  const foreign = findForeignID(record, allowedIDs, own, volume)
  return foreign && explainForeignID(foreign, allowedIDs, place)
}

/** Draining nodes with a claim. Only read if the volume must grow. */
async function findDraining(
  { observer }: GatherContext,
  record: VolumeRecord,
  volume: Volume,
  hashes: HiddenHashes,
  listed: ExternalVolume | undefined,
): Promise<readonly string[]> {
  const nodeIDs = [...new Set(Object.values(claimNodesOf(volume, record)))]
  if (nodeIDs.length === 0) return []
  const { spec } = record.declaration
  const capacityBytes = listed === undefined ? undefined : BigInt(listed.CapacityBytes)
  if (compareVolume(spec, record, volume, hashes, capacityBytes).expansion === undefined) return []
  // If the token may not read nodes, the volume grows all the same.
  const nodes = await observer.nodes().catch(() => undefined)
  return nodeIDs.filter((nodeID) => nodes?.get(nodeID)?.Drain).sort()
}

/**
 * Finds the volume in the plugin's list. If a cached list lacks it, reads the list again: first the page alone that showed it
 * last, because the whole may have thousands of entries.
 */
async function findExternal(
  { observer, time }: Pick<GatherContext, 'observer' | 'time'>,
  record: VolumeRecord,
  externalID: string,
  isRegistered: boolean,
): Promise<ExternalVolume | 'unlisted' | 'unknown'> {
  const { pluginID } = record.declaration.spec
  const cached = isRegistered ? (await observer.externalVolumes(pluginID)).get(externalID) : undefined
  const found = cached ?? (await observer.findExternalVolume(pluginID, externalID))
  if (found !== undefined) return found
  observer.invalidate({ pluginID })
  const listed = await observer.externalVolumes(pluginID)
  const isProof = provesAbsence(listed, externalID) && (!isRegistered || isListProof(record, time()))
  return listed.get(externalID) ?? (isProof ? 'unlisted' : 'unknown')
}

/** Reads the free capacity before a create. A repeated create does not wait for room. */
async function findRoom(
  { plugins }: GatherContext,
  { declaration: { spec }, intent }: VolumeRecord,
): Promise<Room | undefined> {
  if (plugins === undefined || intent !== undefined || spec.capacity?.min === undefined) return undefined
  const [topology, ...others] = spec.topology?.required ?? []
  return plugins.room(spec.pluginID, {
    ...(spec.parameters === undefined ? {} : { parameters: spec.parameters }),
    ...(topology === undefined || others.length > 0 ? {} : { topology }),
  })
}

/** ID of another Nomad volume in the namespace with the same external volume or CSI name. */
async function findTaker({ observer }: GatherContext, record: VolumeRecord): Promise<string | undefined> {
  const { spec } = record.declaration
  const externalID = record.externalID ?? spec.externalID
  const own = [spec.volumeID, record.end?.tombstoneID]
  const successor = record.restore?.undoneFor === undefined ? record.restore : undefined
  const [field, value]: [VolumeField, string] =
    successor?.backTo !== undefined
      ? ['ExternalID', successor.backTo]
      : successor !== undefined
        ? ['Name', successor.csiName]
        : externalID === undefined
          ? ['Name', record.csiName]
          : ['ExternalID', externalID]
  const takers = (await observer.findVolumeStubs(spec.namespace, field, value)).filter(
    (stub) => stub.PluginID === spec.pluginID && !own.includes(stub.ID),
  )
  const context = registeredContext(record.declaration, record)
  for (const { ID } of takers) {
    const other = await observer.volume(spec.namespace, ID)
    // The list may be older than a deregister of ours.
    if (other === undefined) continue
    if (externalID === undefined || successor !== undefined || context === undefined) return ID
    if (contextsMayAgree(other.Context, context)) return ID
  }
  return undefined
}

/** Keyed hash of the fields that describe the volume. Fields that only steer Mooring are left out. */
export function specHash(
  { inventory }: Pick<GatherContext, 'inventory'>,
  { declaration }: VolumeRecord,
): string {
  const { keyedHash } = inventory
  const known = specHashes.get(declaration)
  if (known?.keyedHash === keyedHash) return known.hash
  const { deletionPolicy, driftPolicy, finalSnapshot, perAlloc, detach, suspend, ...asked } = declaration.spec
  const hash = keyedHash(
    JSON.stringify(asked, (_key, value) => (typeof value === 'bigint' ? value.toString() : value)),
  )
  specHashes.set(declaration, { keyedHash, hash })
  return hash
}

/** A resync asks for that of each declaration, and most do not change. */
const specHashes = new WeakMap<
  VolumeDeclaration,
  { readonly keyedHash: (text: string) => string; readonly hash: string }
>()

function hiddenHashes(
  context: GatherContext,
  record: VolumeRecord,
  secretValues: Readonly<Record<string, string>>,
): HiddenHashes {
  const entries = Object.entries(secretValues).sort(([one], [other]) => (one < other ? -1 : 1))
  const flags = [...(record.declaration.spec.mountOptions?.mountFlags ?? [])].sort()
  return {
    ...(entries.length === 0 ? {} : { secrets: context.inventory.keyedHash(JSON.stringify(entries)) }),
    ...(flags.length === 0 ? {} : { mountFlags: context.inventory.keyedHash(JSON.stringify(flags)) }),
  }
}

/** The source of the content of a volume that is not created yet. */
async function sourceOf(context: GatherContext, record: VolumeRecord): Promise<SourceObservation> {
  const { desired, inventory } = context
  const { spec } = record.declaration
  if (record.externalID !== undefined || spec.source === undefined) return { state: 'ready' }
  const { snapshot, snapshotID, volume, cloneID, latest } = spec.source
  if (snapshotID !== undefined) return { state: 'ready', snapshotID }
  if (cloneID !== undefined) return { state: 'ready', cloneID }
  if (latest !== undefined) {
    const ofSchedule = inventory.find('schedule', scheduleKey(spec.namespace, latest.schedule))
    return findLatest(latest, spec.pluginID, ofSchedule)
  }
  if (snapshot !== undefined) {
    const taken = inventory.get(snapshotKey(spec.namespace, snapshot))
    const isReady = taken?.status.conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
    return taken?.kind === 'Snapshot' && taken.snapshotID !== undefined && isReady
      ? { state: 'ready', snapshotID: taken.snapshotID }
      : {
          state: 'waiting',
          reason: 'SnapshotNotReady',
          message: `waiting for snapshot "${snapshot}" to be ready to use`,
        }
  }
  for (const declaration of desired.find('volumeName', `${spec.namespace}/${volume}`)) {
    const original = inventory.get(keyOf(declaration))
    if (original?.kind === 'Volume' && original.externalID !== undefined) {
      const shared = refuseShared(
        original.externalID,
        await sharersOf(context, original),
        `cloning volume "${volume}" is refused`,
        advise(reasons.SharedExternalID.person.copyByJob()),
      )
      return shared === undefined ? { state: 'ready', cloneID: original.externalID } : shared
    }
  }
  return (
    explainSeveral(inventory, spec.namespace, volume ?? '') ?? {
      state: 'waiting',
      reason: 'VolumeNotReady',
      message: `waiting for volume "${volume}", the source of the clone`,
    }
  )
}

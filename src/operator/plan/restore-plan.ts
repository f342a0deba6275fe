import { advise } from '../../lib/reasons/explanation.ts'
import { reasons } from '../../lib/reasons/reasons.ts'
import type { Plugin } from '../../wire/plugin.ts'
import type { Snapshot } from '../../wire/snapshot.ts'
import type { ExternalVolume, Volume } from '../../wire/volume.ts'
import { type Decision, stall, take, wait } from './decision.ts'
import { mayStillRun, nextOutcomeCheckMs } from './intent.ts'
import type { Now } from './now.ts'
import type { Orders } from './orders.ts'
import { planPluginGate } from './plugin-gate.ts'
import {
  type InventoryRecord,
  type RestoreSource,
  storedThing,
  type VolumeRecord,
  type VolumeRestore,
} from './record.ts'
import type { Released } from './released.ts'

/** The orders that a restore depends on. */
export interface RestoreObservation {
  /** An order for the recorded external volume. `refusal`: why it cannot be carried out. */
  readonly ordered?: RestoreSource & { readonly refusal: string | undefined }
  /** Whether a person cancelled the running restore. */
  readonly isUndoOrdered: boolean
}

/** What `refuseRestore` needs from Nomad and the plugin. */
export interface RestoreGuards {
  readonly volume: Volume | undefined
  readonly plugin: Plugin | undefined
  /** The snapshot, or the volume to go back to, as the plugin lists it; `unknown` if it cannot list. */
  readonly source: Snapshot | ExternalVolume | 'unlisted' | 'unknown'
  /** Fields that neither Nomad shows nor Mooring knows. Registering the volume again would lose them. */
  readonly unreadable: readonly string[]
}

/** Why a restore may not be ordered, according to the inventory; undefined if it may. */
export function refuseRestoreOrder(record: VolumeRecord, { suspendedSinceMs }: Orders): string | undefined {
  const { spec } = record.declaration
  if (spec.externalID !== undefined) {
    return `its declaration registers external volume "${spec.externalID}", and a restore makes another one; remove spec.externalID and spec.context from the declaration first, which does not change the volume`
  }
  if (record.externalID === undefined) {
    return 'it is not created yet; to create it from a snapshot, set spec.source in its declaration'
  }
  if (record.end !== undefined) return 'it is ending'
  if (record.missing?.isSeen) return 'it is no longer declared'
  if (record.restore !== undefined) {
    return `a restore from "${record.restore.snapshotID ?? record.restore.backTo}" is running; wait for it, or cancel it with --undo`
  }
  if (spec.suspend || suspendedSinceMs !== undefined) return 'it is suspended; resume it first'
  if (record.intent !== undefined) return 'the outcome of an earlier call is not known yet; wait until it is'
  const { name } = spec
  if (name !== undefined && Buffer.byteLength(name) > longestNameBytes - suffixBytes) {
    return `the new volume would be named "${name}-r<n>", and CSI allows at most ${longestNameBytes} bytes; give a shorter spec.name`
  }
  return undefined
}

/** The limit of the CSI spec (CreateVolumeRequest.name). */
const longestNameBytes = 128
/** Room for `-r<n>`. */
const suffixBytes = 8

/** The record of an external volume that a restore replaced, or why it cannot be used again. */
export function findReplaced(
  { key, declaration: { spec }, externalID: current }: VolumeRecord,
  externalID: string,
  released: readonly Released[],
  records: readonly InventoryRecord[],
): Released | string {
  if (externalID === current) return `external volume "${externalID}" is its current one`
  const found = released.findLast(
    (each) => each.key === key && each.externalID === externalID && each.pluginID === spec.pluginID,
  )
  if (found?.reason !== 'Replaced') {
    return `no restore of it replaced external volume "${externalID}"; mooring describe lists the replaced ones`
  }
  const user = records.find((record) => {
    const thing = storedThing(record)
    return thing.pluginID === spec.pluginID && thing.externalID === externalID
  })
  return user === undefined
    ? found
    : `${user.key} now uses external volume "${externalID}"; end that one first`
}

/** Why a volume may not be restored now, according to Nomad and the plugin; undefined if it may. Pure. */
export function refuseRestore(
  { declaration: { spec } }: VolumeRecord,
  { snapshotID, backTo }: RestoreSource,
  { volume, plugin, source, unreadable }: RestoreGuards,
): string | undefined {
  if (volume !== undefined && volume.PluginID !== spec.pluginID) {
    return `it belongs to plugin "${volume.PluginID}", but its declaration names "${spec.pluginID}"`
  }
  const claims = [...Object.keys(volume?.ReadAllocs ?? {}), ...Object.keys(volume?.WriteAllocs ?? {})]
  if (claims.length > 0) return `it is in use by allocations ${claims.join(', ')}; stop them first`
  const gate = planPluginGate(
    spec.pluginID,
    plugin,
    backTo === undefined ? 'SupportsCreateDelete' : undefined,
  )
  if (gate !== undefined) return gate.verdict.message
  if (source === 'unlisted') {
    return backTo === undefined
      ? `plugin "${spec.pluginID}" lists no snapshot "${snapshotID}", and no declared or scheduled one has that name`
      : `plugin "${spec.pluginID}" no longer lists external volume "${backTo}"`
  }
  if (typeof source === 'object' && 'IsReady' in source && !source.IsReady) {
    return `snapshot "${snapshotID}" is not ready to use yet; wait until it is`
  }
  if (unreadable.length > 0) {
    return `it would lose ${unreadable.join(' and ')}, which Nomad never shows; set them in the declaration, or declare them empty (spec.secrets: {}, spec.mountOptions.mountFlags: [])`
  }
  return undefined
}

/** The parts of a volume's observation that a restore needs. */
interface Observation {
  readonly volume: Volume | undefined
  readonly plugin: Plugin | undefined
  readonly external: object | 'unlisted' | 'unknown'
  readonly takenBy: string | undefined
  readonly namespaceExists: boolean
  readonly restore: RestoreObservation
  readonly callsEndedBeforeMs: number | undefined
}

const waitPollMs = 15_000

/**
 * Decides the next step of a restore. undefined if none is ordered or running, or if an undone restore needs the
 * replaced volume registered again, which the plan of the volume does.
 *
 * ```
 * ordered ─▶ begin-restore ─▶ deregister-replaced ─▶ restore-volume ─▶ adopt-restored
 *    │                              │ in use, refused      │ refused for good
 *    ▼                              ▼                      ▼
 * end-restore ◀── (register-volume) ◀── undoneFor ◀── undo-restore, by a person
 * ```
 */
export function planRestore(record: VolumeRecord, observation: Observation, now: Now): Decision | undefined {
  const { restore, intent } = record
  const { volume } = observation
  if (restore === undefined) return planOrderedRestore(observation)
  if (volume !== undefined && isRestored(record, volume)) {
    return take('adopt-restored', 'Restored', restoreResult(restore, volume.ExternalID))
  }
  if (volume !== undefined && volume.ExternalID !== record.externalID) {
    return stall(
      'ExternalIDChanged',
      `Nomad's volume is external volume "${volume.ExternalID}", which is neither the one to replace ("${record.externalID}") nor its successor ("${restore.backTo ?? restore.csiName}"). Somebody changed it. ${advise(reasons.ExternalIDChanged.person.continueRestore())}`,
    )
  }
  if (restore.undoneFor === undefined && observation.restore.isUndoOrdered) {
    return take('undo-restore', 'RestoreUndone', 'a person cancelled the restore')
  }
  if (intent !== undefined && mayStillRun(intent, observation.callsEndedBeforeMs, now)) {
    return wait(
      'OutcomeUnknown',
      'the answer to the create from the snapshot was lost; the create may still be running, so nothing is done before its deadline',
      nextOutcomeCheckMs(intent, now),
    )
  }
  if (restore.undoneFor !== undefined) {
    // A lost volume cannot be put back. Ending the restore allows another one.
    const isLost = observation.external === 'unlisted'
    if (volume === undefined && !isLost) return undefined
    const stays = isLost ? 'is lost' : 'stays in its place'
    return take(
      'end-restore',
      'NotRestored',
      `external volume "${record.externalID}" ${stays}: ${restore.undoneFor}`,
    )
  }
  if (volume !== undefined) {
    return take(
      'deregister-replaced',
      'Restoring',
      `deregistering external volume "${volume.ExternalID}" from Nomad, which refuses if it is in use; its data stays`,
    )
  }
  return planSuccessor(record, restore, observation)
}

function planOrderedRestore({ restore: { ordered } }: Observation): Decision | undefined {
  if (ordered === undefined) return undefined
  return ordered.refusal === undefined
    ? take(
        'begin-restore',
        'Restoring',
        ordered.backTo === undefined
          ? `restoring from snapshot "${ordered.snapshotID}", as a person ordered`
          : `going back to external volume "${ordered.backTo}", as a person ordered`,
      )
    : take('end-restore', 'NotRestored', ordered.refusal)
}

function planSuccessor(
  { declaration: { spec } }: VolumeRecord,
  { csiName, snapshotID, backTo }: VolumeRestore,
  observation: Observation,
): Decision {
  if (!observation.namespaceExists) {
    return wait('NamespaceNotFound', `waiting for Nomad namespace "${spec.namespace}" to exist`, waitPollMs)
  }
  const capability = backTo === undefined ? 'SupportsCreateDelete' : undefined
  const gate = planPluginGate(spec.pluginID, observation.plugin, capability)
  if (gate !== undefined) return gate
  if (observation.takenBy !== undefined) {
    const what = backTo === undefined ? `the CSI name "${csiName}"` : `external volume "${backTo}"`
    return stall(
      backTo === undefined ? 'NameTaken' : 'ExternalIDTaken',
      `Nomad's volume "${observation.takenBy}" already has ${what}. ${advise(reasons.NameTaken.person.cancelRestore({ target: `${spec.namespace}/${spec.volumeID}` }))}`,
    )
  }
  return backTo === undefined
    ? take('restore-volume', 'Restoring', `creating volume "${csiName}" from snapshot "${snapshotID}"`)
    : take('restore-volume', 'Restoring', `registering the replaced external volume "${backTo}" again`)
}

/** Whether Nomad's volume is the one that the running restore makes. */
export function isRestored({ restore, externalID }: VolumeRecord, volume: Volume): boolean {
  if (restore === undefined || volume.ExternalID === externalID) return false
  return restore.backTo === undefined ? volume.Name === restore.csiName : volume.ExternalID === restore.backTo
}

/** The result of a restore, for people. */
export function restoreResult({ backTo }: RestoreSource, externalID: string): string {
  return backTo === undefined
    ? `external volume "${externalID}" was created from the snapshot`
    : `external volume "${externalID}" is used again`
}

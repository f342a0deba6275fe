import type { Plugin } from '../../wire/plugin.ts'
import type { Snapshot } from '../../wire/snapshot.ts'
import type { ExternalVolume, Volume } from '../../wire/volume.ts'
import { type Decision, stall, take, wait } from './decision.ts'
import type { Orders } from './orders.ts'
import { planPluginGate } from './plugin-gate.ts'
import {
  type InventoryRecord,
  mayStillRun,
  type Released,
  type RestoreSource,
  storedThing,
  untilSettledMs,
  type VolumeRecord,
  type VolumeRestore,
} from './record.ts'

/** What a restore depends on beside the volume itself. */
export interface RestoreObservation {
  /** An order for the recorded external volume, and why it is not carried out, if it is not. */
  readonly ordered?: RestoreSource & { readonly refusal: string | undefined }
  /** A person called off the restore that is under way. */
  readonly isUndoOrdered: boolean
}

/** What `refuseRestore` needs to know of the outside. */
export interface RestoreGuards {
  readonly volume: Volume | undefined
  readonly plugin: Plugin | undefined
  /** The snapshot, or the volume to go back to, as the plugin lists it; `unknown` where it cannot list. */
  readonly source: Snapshot | ExternalVolume | 'unlisted' | 'unknown'
  /** Fields that Nomad never shows and nobody here knows: to register again would lose them. */
  readonly unreadable: readonly string[]
}

/** Why a restore may not be ordered, by what the inventory alone knows: undefined if it may. */
export function refuseRestoreOrder(record: VolumeRecord, { suspendedSinceMs }: Orders): string | undefined {
  const { spec } = record.declaration
  if (spec.externalID !== undefined) {
    return `its declaration registers external volume "${spec.externalID}", and a restore makes another one: remove spec.externalID (and spec.context) from it first, which leaves the volume as it is`
  }
  if (record.externalID === undefined) {
    return 'it was not created yet: spec.source in its declaration says what it is made from'
  }
  if (record.end !== undefined) return 'it is ending'
  if (record.missingSinceMs !== undefined) return 'it is no longer declared'
  if (record.restore !== undefined) {
    return `a restore from snapshot "${record.restore.snapshotID}" is under way: wait for it, or call it off by --undo`
  }
  if (spec.suspend || suspendedSinceMs !== undefined) return 'it is suspended: resume it first'
  if (record.intent !== undefined) return 'the outcome of a call for it is not known yet: wait until it is'
  const { name } = spec
  if (name !== undefined && Buffer.byteLength(name) > longestNameBytes - suffixBytes) {
    return `the new volume would be named "${name}-r<n>", and CSI takes at most ${longestNameBytes} bytes: give a shorter spec.name`
  }
  return undefined
}

/** As CSI has it (CreateVolumeRequest.name). */
const longestNameBytes = 128
/** Of `-r<n>`, for more restores than anybody makes. */
const suffixBytes = 8

/** What is known of an external volume that a restore of this volume replaced, or why nobody may go back to it. */
export function findReplaced(
  { key, declaration: { spec }, externalID: current }: VolumeRecord,
  externalID: string,
  released: readonly Released[],
  records: readonly InventoryRecord[],
): Released | string {
  if (externalID === current) return `external volume "${externalID}" is the one that it has`
  const found = released.findLast(
    (each) => each.key === key && each.externalID === externalID && each.pluginID === spec.pluginID,
  )
  if (found?.reason !== 'Replaced') {
    return `no restore of it replaced external volume "${externalID}": mooring describe lists those that one did`
  }
  const user = records.find((record) => {
    const thing = storedThing(record)
    return thing.pluginID === spec.pluginID && thing.externalID === externalID
  })
  return user === undefined
    ? found
    : `${user.key} stands for external volume "${externalID}" now: end that first`
}

/** Why a volume may not be restored just now, by what Nomad and the plugin say: undefined if it may. Pure. */
export function refuseRestore(
  { declaration: { spec } }: VolumeRecord,
  { snapshotID, backTo }: RestoreSource,
  { volume, plugin, source, unreadable }: RestoreGuards,
): string | undefined {
  if (volume !== undefined && volume.PluginID !== spec.pluginID) {
    return `it is of plugin "${volume.PluginID}" and declared of "${spec.pluginID}"`
  }
  const claims = [...Object.keys(volume?.ReadAllocs ?? {}), ...Object.keys(volume?.WriteAllocs ?? {})]
  if (claims.length > 0) return `it is in use by allocations ${claims.join(', ')}: stop them first`
  const gate = planPluginGate(
    spec.pluginID,
    plugin,
    backTo === undefined ? 'SupportsCreateDelete' : undefined,
  )
  if (gate !== undefined) return gate.verdict.message
  if (source === 'unlisted') {
    return backTo === undefined
      ? `plugin "${spec.pluginID}" lists no snapshot "${snapshotID}", and no declared or scheduled one has that name`
      : `plugin "${spec.pluginID}" lists external volume "${backTo}" no more`
  }
  if (typeof source === 'object' && 'IsReady' in source && !source.IsReady) {
    return `the plugin is still working on snapshot "${snapshotID}": wait until it is ready to use`
  }
  if (unreadable.length > 0) {
    return `it would lose ${unreadable.join(' and ')}, which Nomad never shows: give them in the declaration, or say there are none (spec.secrets: {}, spec.mountOptions.mountFlags: [])`
  }
  return undefined
}

/** The parts of a volume's observation that a restore looks at. */
interface Observation {
  readonly volume: Volume | undefined
  readonly plugin: Plugin | undefined
  readonly external: object | 'unlisted' | 'unknown'
  readonly takenBy: string | undefined
  readonly namespaceExists: boolean
  readonly restore: RestoreObservation
  readonly settledBeforeMs: number
}

const waitPollMs = 15_000

/**
 * Decides the next step of a restore: undefined where none is ordered or under way, and where it is
 * called off and the volume before it has to be registered again, as one that Nomad lost.
 *
 * ```
 * ordered ─▶ begin-restore ─▶ deregister-replaced ─▶ restore-volume ─▶ adopt-restored
 *    │                              │ in use, refused      │ refused for good
 *    ▼                              ▼                      ▼
 * end-restore ◀── (register-volume) ◀── undoneFor ◀── undo-restore, by a person
 * ```
 */
export function planRestore(
  record: VolumeRecord,
  observation: Observation,
  nowMs: number,
): Decision | undefined {
  const { restore, intent } = record
  const { volume } = observation
  if (restore === undefined) return planOrderedRestore(observation)
  if (volume !== undefined && isRestored(record, volume)) {
    return take('adopt-restored', 'Restored', describeRestored(restore, volume.ExternalID))
  }
  if (volume !== undefined && volume.ExternalID !== record.externalID) {
    return stall(
      'ExternalIDChanged',
      `Nomad's volume stands for external volume "${volume.ExternalID}", which is neither the one to replace ("${record.externalID}") nor its successor ("${restore.backTo ?? restore.csiName}"): deregister the foreign one, then the restore goes on`,
    )
  }
  if (restore.undoneFor === undefined && observation.restore.isUndoOrdered) {
    return take('undo-restore', 'RestoreUndone', 'a person called the restore off')
  }
  if (intent !== undefined && mayStillRun(intent, observation.settledBeforeMs, nowMs)) {
    return wait(
      'OutcomeUnknown',
      'the create from the snapshot was sent and its answer was lost; it may still be running, so nothing is done before its deadline',
      untilSettledMs(intent, nowMs),
    )
  }
  if (restore.undoneFor !== undefined) {
    // One that is lost cannot be put back; ended, another restore can be ordered.
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
      `taking external volume "${volume.ExternalID}" out of Nomad, which refuses while it is in use; the external volume stays`,
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
      `Nomad's volume "${observation.takenBy}" has ${what} already: deregister that one, or call the restore off by mooring restore --undo`,
    )
  }
  return backTo === undefined
    ? take('restore-volume', 'Restoring', `creating volume "${csiName}" from snapshot "${snapshotID}"`)
    : take(
        'restore-volume',
        'Restoring',
        `registering external volume "${backTo}", which was replaced, again`,
      )
}

/** Whether Nomad's volume is what the restore under way was to put there. */
export function isRestored({ restore, externalID }: VolumeRecord, volume: Volume): boolean {
  if (restore === undefined || volume.ExternalID === externalID) return false
  return restore.backTo === undefined ? volume.Name === restore.csiName : volume.ExternalID === restore.backTo
}

/** What a restore came to, for people. */
export function describeRestored({ backTo }: RestoreSource, externalID: string): string {
  return backTo === undefined
    ? `external volume "${externalID}" was made from the snapshot`
    : `external volume "${externalID}" is in its place again`
}

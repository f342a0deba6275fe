import { shellCommand } from '../../lib/shell-command.ts'
import type { Plugin, Room } from '../../wire/plugin.ts'
import type { ExternalVolume, Volume } from '../../wire/volume.ts'
import type { VolumeDeclaration } from '../declare/declaration.ts'
import { claimsOf } from './claims.ts'
import { type Decision, ready, stall, take, wait } from './decision.ts'
import { tombstoneID } from './identity.ts'
import { planPluginGate } from './plugin-gate.ts'
import { type HiddenHashes, mayStillRun, untilSettledMs, type VolumeRecord } from './record.ts'
import { planRestore, type RestoreObservation } from './restore-plan.ts'
import { compareVolume, type FieldDifference, type VolumeDifferences } from './volume-difference.ts'

/** Where a volume that is to be created gets its content from. */
export type SourceObservation =
  | { readonly state: 'ready'; readonly snapshotID?: string; readonly cloneID?: string }
  | { readonly state: 'waiting'; readonly reason: string; readonly message: string }

/** All that a plan for a volume needs to know of the outside. */
export interface VolumeObservation {
  /** What Nomad has under the declared ID; undefined: it has nothing. */
  readonly volume: Volume | undefined
  readonly plugin: Plugin | undefined
  /**
   * The recorded or declared external volume as its plugin lists it; `unlisted` if a fresh and whole list
   * lacks it; `unknown` if nobody asked or the plugin cannot list.
   */
  readonly external: ExternalVolume | 'unlisted' | 'unknown'
  readonly source: SourceObservation
  /** Whether Nomad has the namespace; asked only before a create or a register. */
  readonly namespaceExists: boolean
  /** Another volume of Nomad's that stands for the external volume to register, or has the name to create. */
  readonly takenBy: string | undefined
  /** The declaration is what Nomad was last seen to match, so that a difference is somebody else's. */
  readonly isSettled: boolean
  /** What the plugin can still provide, where it is asked and says so. */
  readonly room?: Room
  /** A person said that a new external volume may take the place of the recorded one. */
  readonly isRecreateOrdered: boolean
  readonly restore: RestoreObservation
  readonly hashes: HiddenHashes
  /** Keyed hash of the update that the differences would lead to. */
  readonly updateHash: string | undefined
  /** No call sent before now can still be running: the server that would run it has started since. */
  readonly settledBeforeMs: number
}

const claimPollMs = 15_000

/** Decides for one declared volume: at most one change, with its reason. Pure. */
export function planVolume(
  declaration: VolumeDeclaration,
  record: VolumeRecord,
  observation: VolumeObservation,
  nowMs: number,
): Decision {
  if (declaration.spec.suspend) {
    return {
      verdict: { state: 'suspended', reason: 'Suspended', message: 'spec.suspend is set: nothing is done' },
    }
  }
  if (record.end !== undefined) {
    return take('cancel-end', 'DeclaredAgain', 'declared again before its end was done; calling the end off')
  }
  const restoring = planRestore(record, observation, nowMs)
  if (restoring !== undefined) return restoring
  return observation.volume === undefined
    ? planAbsentVolume(declaration, record, observation, nowMs)
    : planPresentVolume(declaration, record, observation, observation.volume)
}

function planAbsentVolume(
  { spec }: VolumeDeclaration,
  record: VolumeRecord,
  observation: VolumeObservation,
  nowMs: number,
): Decision {
  if (!observation.namespaceExists) {
    // Nomad creates first and looks for the namespace afterwards, which would leave an orphan (reference, 2.4).
    return wait('NamespaceNotFound', `waiting for Nomad namespace "${spec.namespace}" to exist`, claimPollMs)
  }
  const externalID = record.externalID ?? spec.externalID
  if (externalID !== undefined && observation.takenBy === tombstoneID(record.key, externalID)) {
    // Its register was still running when the end was called off.
    return take(
      'cancel-end',
      'DeclaredAgain',
      'the tombstone of an end that was called off came late; taking it away',
    )
  }
  if (observation.takenBy !== undefined && record.intent === undefined) {
    return stall(
      externalID === undefined ? 'NameTaken' : 'ExternalIDTaken',
      `Nomad's volume "${observation.takenBy}" has the same ${externalID === undefined ? `CSI name "${record.csiName}"` : `external volume "${externalID}"`} already: two volumes must not share one. Deregister that one, or change this declaration.`,
    )
  }
  if (externalID !== undefined) {
    if (spec.externalID !== undefined && spec.externalID !== externalID) {
      return stallImmutable([{ field: 'spec.externalID', declared: spec.externalID, actual: externalID }])
    }
    const gate = planPluginGate(spec.pluginID, observation.plugin, undefined)
    if (gate !== undefined) return gate
    if (observation.external === 'unlisted')
      return planVanished(record, spec.pluginID, externalID, observation)
    const drift =
      record.restore === undefined
        ? planDrift(spec.driftPolicy, observation, 'Nomad lost the volume')
        : undefined
    if (drift !== undefined) return drift
    return record.externalID === undefined
      ? take('register-volume', 'Registering', `registering external volume "${externalID}"`)
      : take(
          'register-volume',
          'Reregistering',
          `${record.restore === undefined ? 'Nomad lost the volume' : 'the restore is called off'}; registering its external volume "${externalID}" again`,
        )
  }

  const { intent } = record
  if (intent !== undefined && mayStillRun(intent, observation.settledBeforeMs, nowMs)) {
    return wait(
      'OutcomeUnknown',
      'a create was sent and its answer was lost; it may still be running, so it is not repeated before its deadline',
      untilSettledMs(intent, nowMs),
    )
  }
  const gate = planPluginGate(spec.pluginID, observation.plugin, 'SupportsCreateDelete')
  if (gate !== undefined) return gate
  if (intent !== undefined) {
    return take(
      'create-volume',
      'RepeatingCreate',
      `repeating the create of "${record.csiName}" whose answer was lost`,
    )
  }
  if (observation.source.state === 'waiting') {
    return wait(observation.source.reason, observation.source.message, claimPollMs)
  }
  if (observation.source.cloneID !== undefined) {
    const cloneGate = planPluginGate(spec.pluginID, observation.plugin, 'SupportsClone')
    if (cloneGate !== undefined) return cloneGate
  }
  const full = planRoom(spec, observation.room)
  if (full !== undefined) return full
  return take('create-volume', 'Creating', `creating volume "${record.csiName}" by plugin "${spec.pluginID}"`)
}

const roomPollMs = 60_000

/** A create that the plugin would refuse for want of room is not sent. */
function planRoom(
  { pluginID, capacity }: VolumeDeclaration['spec'],
  room: Room | undefined,
): Decision | undefined {
  const bytes = capacity?.min
  if (bytes === undefined || room === undefined) return undefined
  if (room.maximumVolumeBytes !== undefined && bytes > room.maximumVolumeBytes) {
    return stall(
      'CapacityUnsupported',
      `plugin "${pluginID}" makes no volume larger than ${room.maximumVolumeBytes} bytes, and ${bytes} are declared`,
    )
  }
  return bytes > room.availableBytes
    ? wait(
        'NoRoom',
        `waiting for room: plugin "${pluginID}" has ${room.availableBytes} bytes left, and ${bytes} are declared`,
        roomPollMs,
      )
    : undefined
}

function planVanished(
  record: VolumeRecord,
  pluginID: string,
  externalID: string,
  { isRecreateOrdered }: VolumeObservation,
): Decision {
  if (record.externalID !== undefined && isRecreateOrdered) {
    return take(
      'recreate-volume',
      'Recreating',
      `a person gave up external volume "${externalID}"; a new and blank one takes its place`,
    )
  }
  const { namespace, volumeID } = record.declaration.spec
  const recreate = shellCommand('mooring', 'recreate', `${namespace}/${volumeID}`, '--lost', externalID)
  return record.externalID === undefined
    ? wait(
        'ExternalVolumeNotFound',
        `waiting for external volume "${externalID}": plugin "${pluginID}" does not list it`,
        claimPollMs,
      )
    : stall(
        'Vanished',
        `Nomad has no such volume and plugin "${pluginID}" no longer lists external volume "${externalID}". ` +
          `A blank one is never created in its place: bring the external volume back, remove the declaration, or give it up by ${recreate}`,
      )
}

function planPresentVolume(
  { spec }: VolumeDeclaration,
  record: VolumeRecord,
  observation: VolumeObservation,
  volume: Volume,
): Decision {
  if (record.externalID === undefined) {
    const created = record.intent !== undefined && volume.Name === record.csiName
    return created
      ? take('adopt-volume', 'Created', `external volume "${volume.ExternalID}" was created`)
      : take(
          'adopt-volume',
          'Adopting',
          `taking over the volume that Nomad has, external volume "${volume.ExternalID}"`,
        )
  }
  if (volume.ExternalID !== record.externalID && isUntouched(record)) {
    return take(
      'adopt-volume',
      'Adopting',
      `taking over the volume that Nomad has, external volume "${volume.ExternalID}", and not "${record.externalID}", which was let go before`,
    )
  }
  if (volume.ExternalID !== record.externalID) {
    return stall(
      'ExternalIDChanged',
      `Nomad's volume now stands for external volume "${volume.ExternalID}", and the one managed here is "${record.externalID}". ` +
        'Somebody replaced it: deregister the foreign one, or remove the declaration and add it again to take over what is there.',
    )
  }

  if (observation.external === 'unlisted') {
    return stall(
      'ExternalVolumeMissing',
      `plugin "${spec.pluginID}" no longer lists external volume "${record.externalID}", though Nomad has the volume still. ` +
        'Bring the external volume back; to give it up, deregister the volume in Nomad.',
    )
  }
  const listed = typeof observation.external === 'object' ? observation.external : undefined
  const differences = compareVolume(
    spec,
    record,
    volume,
    observation.hashes,
    listed === undefined ? undefined : BigInt(listed.CapacityBytes),
  )
  if (differences.immutable.length > 0) return stallImmutable(differences.immutable)

  const { expansion, updatable } = differences
  if (expansion !== undefined || updatable.length > 0) {
    const fields = describeFields(updatable, expansion)
    const drift = planDrift(spec.driftPolicy, observation, `${fields} differ from the declaration`)
    if (drift !== undefined) return drift
    return planUpdate(record, observation, volume, spec.pluginID, differences)
  }
  if (!volume.Schedulable) {
    return wait(
      'NotSchedulable',
      `the volume is as declared, and plugin "${spec.pluginID}" is not healthy enough to attach it ` +
        `(controllers ${volume.ControllersHealthy}/${volume.ControllersExpected}, nodes ${volume.NodesHealthy}/${volume.NodesExpected})`,
      claimPollMs,
    )
  }
  if (listed?.IsAbnormal === true) {
    return wait(
      'ExternalVolumeAbnormal',
      `the volume is as declared, and plugin "${spec.pluginID}" reports its condition as abnormal: ${listed.Status}`,
      claimPollMs,
    )
  }
  return ready('AsDeclared', 'the volume is as declared')
}

/** Whether a volume that was let go before was not registered again yet, nor seen as declared. */
function isUntouched({ applied, settledSpecHash, intent }: VolumeRecord): boolean {
  return applied === undefined && settledSpecHash === undefined && intent === undefined
}

/** What a difference that somebody else made leads to, where it is not to be corrected. */
function planDrift(
  policy: VolumeDeclaration['spec']['driftPolicy'],
  { isSettled }: VolumeObservation,
  what: string,
): Decision | undefined {
  if (!isSettled || policy === 'Correct') return undefined
  return policy === 'Ignore'
    ? ready('DriftIgnored', `${what}; driftPolicy Ignore passes over it`)
    : stall(
        'Drifted',
        `${what}, and driftPolicy Report changes nothing. Set it to Correct to put the volume back, or change the declaration.`,
      )
}

function describeFields(
  updatable: readonly FieldDifference[],
  expansion: VolumeDifferences['expansion'],
): string {
  return [
    ...updatable.map(({ field }) => field),
    ...(expansion === undefined ? [] : ['spec.capacity.min']),
  ].join(', ')
}

function planUpdate(
  record: VolumeRecord,
  observation: VolumeObservation,
  volume: Volume,
  pluginID: string,
  { expansion, updatable, unreadable }: ReturnType<typeof compareVolume>,
): Decision {
  const fields = describeFields(updatable, expansion)
  if (unreadable.length > 0) {
    return stall(
      'UnreadableFields',
      `${fields} should change, and the update would wipe ${unreadable.join(' and ')}, which Nomad never shows. ` +
        'Give them in the declaration, or say there are none: spec.secrets: {} and spec.mountOptions.mountFlags: [].',
    )
  }
  if (record.lastUpdateHash !== undefined && record.lastUpdateHash === observation.updateHash) {
    return stall(
      'UpdateWithoutEffect',
      `${fields} differ still, after an update that Nomad accepted; change the declaration or look at the plugin's log`,
    )
  }
  const gate = planPluginGate(
    pluginID,
    observation.plugin,
    expansion === undefined ? undefined : 'SupportsExpand',
  )
  if (gate !== undefined) return gate
  const claims = claimsOf(volume).length
  if (claims > 0 && updatable.some(({ field }) => field.startsWith('spec.mountOptions'))) {
    return wait(
      'InUse',
      `mount options cannot change while the volume is in use (${claims} claims); they are held until it is free`,
      claimPollMs,
    )
  }
  if (expansion === undefined) {
    return { ...take('update-volume', 'Updating', `changing ${fields}`), differences: updatable }
  }
  const { fromBytes, toBytes } = expansion
  const growth = { field: 'spec.capacity.min', declared: `${toBytes}`, actual: `${fromBytes}` }
  return {
    ...take('expand-volume', 'Expanding', `growing from ${fromBytes} to at least ${toBytes} bytes`),
    differences: [...updatable, growth],
  }
}

function stallImmutable(differences: readonly FieldDifference[]): Decision {
  const list = differences
    .map(({ field, declared, actual }) => `${field} is declared ${declared} and is ${actual}`)
    .join('; ')
  return {
    ...stall(
      'ImmutableFieldChanged',
      `${list}. No volume can change this, and it is never replaced on its own: put the declaration back, or declare a new volume under another volumeID.`,
    ),
    differences,
  }
}

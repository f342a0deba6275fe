import { shellCommand } from '../../lib/shell-command.ts'
import type { Plugin, Room } from '../../wire/plugin.ts'
import type { ExternalVolume, Volume } from '../../wire/volume.ts'
import type { VolumeDeclaration } from '../declare/declaration.ts'
import { claimsOf } from './claims.ts'
import { type Decision, ready, stall, take, wait } from './decision.ts'
import { tombstoneID } from './identity.ts'
import type { Now } from './now.ts'
import { planPluginGate } from './plugin-gate.ts'
import { type HiddenHashes, mayStillRun, nextOutcomeCheckMs, type VolumeRecord } from './record.ts'
import { planRestore, type RestoreObservation } from './restore-plan.ts'
import { compareVolume, type FieldDifference, type VolumeDifferences } from './volume-difference.ts'

/** The source of a volume's content at its create. */
export type SourceObservation =
  | { readonly state: 'ready'; readonly snapshotID?: string; readonly cloneID?: string }
  | { readonly state: 'waiting'; readonly reason: string; readonly message: string }

/** Everything outside the record that the plan of a volume needs. */
export interface VolumeObservation {
  /** Nomad's volume with the declared ID; undefined: there is none. */
  readonly volume: Volume | undefined
  readonly plugin: Plugin | undefined
  /**
   * The recorded or declared external volume as its plugin lists it; `unlisted` if a fresh and complete list lacks it;
   * `unknown` if the plugin was not asked or cannot list.
   */
  readonly external: ExternalVolume | 'unlisted' | 'unknown'
  readonly source: SourceObservation
  /** Whether Nomad has the namespace. Only read before a create or a register. */
  readonly namespaceExists: boolean
  /** ID of another Nomad volume that has the external volume to register, or the name to create. */
  readonly takenBy: string | undefined
  /** The spec is unchanged since Nomad last matched it, so a difference is drift. */
  readonly isSpecUnchanged: boolean
  /** Free capacity of the plugin, if it reports it. */
  readonly room?: Room
  /** A person ordered a new external volume in place of the recorded one. */
  readonly isRecreateOrdered: boolean
  readonly restore: RestoreObservation
  readonly hashes: HiddenHashes
  /** Keyed hash of the update that would correct the differences. */
  readonly updateHash: string | undefined
  /** Calls sent before this time have ended, because their server has restarted since. */
  readonly callsEndedBeforeMs: number | undefined
  /** Set if the declaration names an ID of the plugin that it may not name: why, and what to do. */
  readonly foreignID?: string
}

const claimPollMs = 15_000

/** Decides for one declared volume: at most one change, with its reason. Pure. */
export function planVolume(
  declaration: VolumeDeclaration,
  record: VolumeRecord,
  observation: VolumeObservation,
  now: Now,
): Decision {
  if (declaration.spec.suspend) {
    return {
      verdict: { state: 'suspended', reason: 'Suspended', message: 'spec.suspend is true: nothing is done' },
    }
  }
  if (record.end !== undefined) {
    return take('cancel-end', 'DeclaredAgain', 'declared again before its end was done; cancelling the end')
  }
  if (observation.foreignID !== undefined) return stall('ExternalIDNotAllowed', observation.foreignID)
  const restoring = planRestore(record, observation, now)
  if (restoring !== undefined) return restoring
  return observation.volume === undefined
    ? planAbsentVolume(declaration, record, observation, now)
    : planPresentVolume(declaration, record, observation, observation.volume)
}

function planAbsentVolume(
  { spec }: VolumeDeclaration,
  record: VolumeRecord,
  observation: VolumeObservation,
  now: Now,
): Decision {
  if (!observation.namespaceExists) {
    // Nomad checks the namespace only after the create, which would leave an orphan (reference, 2.4).
    return wait('NamespaceNotFound', `waiting for Nomad namespace "${spec.namespace}" to exist`, claimPollMs)
  }
  const externalID = record.externalID ?? spec.externalID
  if (externalID !== undefined && observation.takenBy === tombstoneID(record.key, externalID)) {
    // Its register was still running when the end was cancelled.
    return take('cancel-end', 'DeclaredAgain', 'the tombstone of a cancelled end arrived late; removing it')
  }
  if (observation.takenBy !== undefined && record.intent === undefined) {
    return stall(
      externalID === undefined ? 'NameTaken' : 'ExternalIDTaken',
      `Nomad's volume "${observation.takenBy}" already has ${externalID === undefined ? `the CSI name "${record.csiName}"` : `external volume "${externalID}"`}, and two volumes must not share one. Deregister that volume, or change this declaration.`,
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
          `${record.restore === undefined ? 'Nomad lost the volume' : 'the restore is undone'}; registering external volume "${externalID}" again`,
        )
  }

  const { intent } = record
  if (intent !== undefined && mayStillRun(intent, observation.callsEndedBeforeMs, now)) {
    return wait(
      'OutcomeUnknown',
      'the answer to the create was lost; the create may still be running, so it is not repeated before its deadline',
      nextOutcomeCheckMs(intent, now),
    )
  }
  const gate = planPluginGate(spec.pluginID, observation.plugin, 'SupportsCreateDelete')
  if (gate !== undefined) return gate
  if (intent !== undefined) {
    return take(
      'create-volume',
      'RepeatingCreate',
      `the answer to the create of "${record.csiName}" was lost; repeating it`,
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
  return take(
    'create-volume',
    'Creating',
    `creating volume "${record.csiName}" with plugin "${spec.pluginID}"`,
  )
}

const roomPollMs = 60_000

/** Holds back a create that the plugin would refuse for lack of room. */
function planRoom(
  { pluginID, capacity }: VolumeDeclaration['spec'],
  room: Room | undefined,
): Decision | undefined {
  const bytes = capacity?.min
  if (bytes === undefined || room === undefined) return undefined
  if (room.maximumVolumeBytes !== undefined && bytes > room.maximumVolumeBytes) {
    return stall(
      'CapacityUnsupported',
      `the declaration asks for ${bytes} bytes, but plugin "${pluginID}" makes no volume larger than ${room.maximumVolumeBytes}; lower spec.capacity.min`,
    )
  }
  return bytes > room.availableBytes
    ? wait(
        'NoRoom',
        `waiting for room: the declaration asks for ${bytes} bytes and plugin "${pluginID}" has ${room.availableBytes} left`,
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
      `a person gave up external volume "${externalID}"; replacing it with a new, blank one`,
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
        `Nomad no longer has the volume, and plugin "${pluginID}" no longer lists external volume "${externalID}". ` +
          `Mooring never replaces it with a blank one by itself. Bring the external volume back, or remove the declaration. To give up its data and create a blank volume, run ${recreate}`,
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
          `adopting Nomad's existing volume, external volume "${volume.ExternalID}"`,
        )
  }
  if (volume.ExternalID !== record.externalID && isUntouched(record)) {
    return take(
      'adopt-volume',
      'Adopting',
      `adopting Nomad's existing volume, external volume "${volume.ExternalID}", instead of "${record.externalID}", which was released before`,
    )
  }
  if (volume.ExternalID !== record.externalID) {
    return stall(
      'ExternalIDChanged',
      `Nomad's volume is now external volume "${volume.ExternalID}", but Mooring manages "${record.externalID}". Somebody replaced it. ` +
        'To go back, deregister the volume in Nomad. To adopt the new one, remove the declaration and add it again.',
    )
  }

  if (observation.external === 'unlisted') {
    return stall(
      'ExternalVolumeMissing',
      `plugin "${spec.pluginID}" no longer lists external volume "${record.externalID}", but Nomad still has the volume. ` +
        'Bring the external volume back. To give it up, deregister the volume in Nomad.',
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
    const fields = fieldNames(updatable, expansion)
    const drift = planDrift(spec.driftPolicy, observation, `Nomad differs from the declaration in ${fields}`)
    if (drift !== undefined) return drift
    return planUpdate(record, observation, volume, spec.pluginID, differences)
  }
  if (!volume.Schedulable) {
    return wait(
      'NotSchedulable',
      `the volume is as declared, but plugin "${spec.pluginID}" is not healthy enough to attach it: ` +
        `${volume.ControllersHealthy} of ${volume.ControllersExpected} controllers and ${volume.NodesHealthy} of ${volume.NodesExpected} nodes are healthy`,
      claimPollMs,
    )
  }
  if (listed?.IsAbnormal === true) {
    return wait(
      'ExternalVolumeAbnormal',
      `the volume is as declared, but plugin "${spec.pluginID}" reports its condition as abnormal: ${listed.Status}`,
      claimPollMs,
    )
  }
  return ready('AsDeclared', 'the volume is as declared')
}

/** Whether a released volume is not yet registered again nor seen as declared. */
function isUntouched({ applied, settledSpecHash, intent }: VolumeRecord): boolean {
  return applied === undefined && settledSpecHash === undefined && intent === undefined
}

/** Decides for drift that the policy does not correct; undefined if the difference is to be corrected. */
function planDrift(
  policy: VolumeDeclaration['spec']['driftPolicy'],
  { isSpecUnchanged }: VolumeObservation,
  what: string,
): Decision | undefined {
  if (!isSpecUnchanged || policy === 'Correct') return undefined
  return policy === 'Ignore'
    ? ready('DriftIgnored', `${what}; spec.driftPolicy is Ignore, so nothing changes`)
    : stall(
        'Drifted',
        `${what}. spec.driftPolicy is Report, so nothing changes. To correct the volume, set it to Correct, or change the declaration.`,
      )
}

function fieldNames(
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
  const fields = fieldNames(updatable, expansion)
  if (unreadable.length > 0) {
    return stall(
      'UnreadableFields',
      `an update of ${fields} would erase ${unreadable.join(' and ')}, which Nomad never shows, so it is not sent. ` +
        'Set them in the declaration, or declare them empty: spec.secrets: {} and spec.mountOptions.mountFlags: [].',
    )
  }
  if (record.lastUpdateHash !== undefined && record.lastUpdateHash === observation.updateHash) {
    return stall(
      'UpdateWithoutEffect',
      `Nomad accepted an update of ${fields}, but it had no effect; look at the plugin's log, or change the declaration`,
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
      `mount options cannot change while the volume is in use; waiting for its ${claims} claims to end`,
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
    .map(({ field, declared, actual }) => `${field} is declared as ${declared} but is ${actual}`)
    .join('; ')
  return {
    ...stall(
      'ImmutableFieldChanged',
      `${list}. A volume cannot change this, and Mooring never replaces a volume by itself. Undo the change of the declaration, or declare a new volume under another volumeID.`,
    ),
    differences,
  }
}

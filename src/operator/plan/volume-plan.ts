import { advise } from '../../lib/reasons/explanation.ts'
import { reasons } from '../../lib/reasons/reasons.ts'
import type { Room } from '../../wire/plugin.ts'
import type { ExternalVolume, Volume } from '../../wire/volume.ts'
import type { VolumeDeclaration } from '../declare/declaration.ts'
import { formatBytes } from '../declare/quantities.ts'
import { type Decision, ready, stall, take, wait } from './decision.ts'
import { tombstoneID } from './identity.ts'
import { mayStillRun, nextOutcomeCheckMs } from './intent.ts'
import type { Now } from './now.ts'
import { planPluginGate } from './plugin-gate.ts'
import type { VolumeRecord } from './record.ts'
import { planRestore } from './restore-plan.ts'
import { refuseShared } from './shared-external.ts'
import { compareVolume } from './volume-difference.ts'
import type { SourceObservation, VolumeObservation } from './volume-observation.ts'
import { planDifferences, planDrift, stallImmutable } from './volume-update-plan.ts'

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
  const shared = planShared(declaration, record, observation)
  if (shared !== undefined) return shared
  const restoring = planRestore(record, observation, now)
  if (restoring !== undefined) return restoring
  return observation.volume === undefined
    ? planAbsentVolume(declaration, record, observation, now)
    : planPresentVolume(declaration, record, observation, observation.volume)
}

/** Refuses a deletionPolicy that could not be carried out. The volume stays as it is. */
function planShared(
  { spec }: VolumeDeclaration,
  { externalID = spec.externalID ?? '' }: VolumeRecord,
  { sharers }: VolumeObservation,
): Decision | undefined {
  if (spec.deletionPolicy !== 'Delete') return undefined
  const verdict = refuseShared(
    externalID,
    sharers,
    'deletionPolicy Delete is refused',
    advise(reasons.SharedExternalID.person.deregister()),
  )
  return verdict && { verdict }
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
      `Nomad's volume "${observation.takenBy}" already has ${externalID === undefined ? `the CSI name "${record.csiName}"` : `external volume "${externalID}"`}, and two volumes must not share one. ${advise(reasons.NameTaken.person.deregister())}`,
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
      `the answer to the create of "${record.csiName}" ${intent.broken === undefined ? 'was lost' : 'broke CSI'}; repeating it`,
    )
  }
  if (observation.source.state !== 'ready') return waitForSource(observation.source)
  if (observation.source.cloneID !== undefined) {
    const cloneGate = planPluginGate(spec.pluginID, observation.plugin, 'SupportsClone')
    if (cloneGate !== undefined) return cloneGate
  }
  const full = planRoom(spec, observation.room)
  if (full !== undefined) return full
  return take(
    'create-volume',
    'Creating',
    `creating volume "${record.csiName}" with plugin "${spec.pluginID}"${explainLatest(spec, observation.source)}`,
  )
}

/** Which snapshot the newest one is: the declaration does not say it. */
function explainLatest(
  { source }: VolumeDeclaration['spec'],
  { snapshotID }: { readonly snapshotID?: string },
): string {
  if (source?.latest === undefined) return ''
  const { schedule, volume } = source.latest
  return snapshotID === undefined
    ? `, blank: schedule "${schedule}" never took a snapshot of volume "${volume}"`
    : ` from snapshot "${snapshotID}", the newest of volume "${volume}" by schedule "${schedule}"`
}

/** A source that only a person can mend is looked at again as well: its own status may be what changes. */
function waitForSource(source: Exclude<SourceObservation, { readonly state: 'ready' }>): Decision {
  return { verdict: source, againAfterMs: claimPollMs }
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
      `the declaration asks for ${formatBytes(bytes)}, but plugin "${pluginID}" makes no volume larger than ${formatBytes(room.maximumVolumeBytes)}. ${advise(reasons.CapacityUnsupported.person.lower())}`,
    )
  }
  return bytes > room.availableBytes
    ? wait(
        'NoRoom',
        `waiting for room: the declaration asks for ${formatBytes(bytes)} and plugin "${pluginID}" has ${formatBytes(room.availableBytes)} left`,
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
  const { bringBack, recreate } = reasons.Vanished.person
  const target = `${namespace}/${volumeID}`
  return record.externalID === undefined
    ? wait(
        'ExternalVolumeNotFound',
        `waiting for external volume "${externalID}": plugin "${pluginID}" does not list it`,
        claimPollMs,
      )
    : {
        ...stall(
          'Vanished',
          `Nomad no longer has the volume, and plugin "${pluginID}" no longer lists external volume "${externalID}". ` +
            `Mooring never replaces it with a blank one by itself. ${advise(bringBack(), recreate({ target, externalID }))}`,
        ),
        // The list may be late.
        againAfterMs: faultPollMs,
      }
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
        advise(reasons.ExternalIDChanged.person.goBack(), reasons.ExternalIDChanged.person.adopt()),
    )
  }

  if (observation.external === 'unlisted') {
    return {
      ...stall(
        'ExternalVolumeMissing',
        `plugin "${spec.pluginID}" no longer lists external volume "${record.externalID}", but Nomad still names it. ` +
          `Its data may be lost. ${advise(reasons.ExternalVolumeMissing.person.bringBack(), ...giveUp(spec))}`,
      ),
      againAfterMs: faultPollMs,
    }
  }
  if (observation.isRecreateOrdered) {
    return take(
      'forget-recreate-order',
      'NotRecreated',
      `external volume "${record.externalID}" is back, so it is not recreated; removing the order`,
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
  const decision =
    planDifferences(spec, record, observation, volume, differences) ?? planHealth(spec.pluginID, volume)
  const isTold = decision.step !== undefined || decision.verdict.state === 'stalled'
  return listed?.IsAbnormal === true && !isTold ? stallAbnormal(spec, listed) : decision
}

/** Decides for a volume that is as declared: whether an allocation can use it. */
function planHealth(pluginID: string, volume: Volume): Decision {
  return volume.Schedulable
    ? ready('AsDeclared', 'the volume is as declared')
    : wait(
        'NotSchedulable',
        `the volume is as declared, but plugin "${pluginID}" is not healthy enough to attach it: ` +
          `${volume.ControllersHealthy} of ${volume.ControllersExpected} controllers and ${volume.NodesHealthy} of ${volume.NodesExpected} nodes are healthy`,
        claimPollMs,
      )
}

/** How often to look whether the fault of an external volume is over. The list of its plugin is read anyway. */
const faultPollMs = 60_000

function stallAbnormal(spec: VolumeDeclaration['spec'], { ExternalID, Status }: ExternalVolume): Decision {
  return {
    ...stall(
      'ExternalVolumeAbnormal',
      `plugin "${spec.pluginID}" reports external volume "${ExternalID}" as abnormal: ${Status === '' ? '(without a reason)' : Status}. ` +
        `Its data may be lost or at risk. ${advise(reasons.ExternalVolumeAbnormal.person.repair(), ...giveUp(spec))}`,
    ),
    againAfterMs: faultPollMs,
  }
}

/** How a person goes on without the data of an external volume that Nomad still names. */
function giveUp({ namespace, volumeID }: VolumeDeclaration['spec']): readonly string[] {
  const { restore, giveUp } = reasons.ExternalVolumeMissing.person
  return [restore({ target: `${namespace}/${volumeID}` }), giveUp({ namespace, id: volumeID })]
}

/** Whether a released volume is not yet registered again nor seen as declared. */
function isUntouched({ applied, settledSpecHash, intent }: VolumeRecord): boolean {
  return applied === undefined && settledSpecHash === undefined && intent === undefined
}

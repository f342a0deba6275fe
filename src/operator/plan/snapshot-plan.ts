import { provesAbsence } from '../../lib/partial-map.ts'
import { advise } from '../../lib/reasons/explanation.ts'
import { reasons } from '../../lib/reasons/reasons.ts'
import type { Plugin } from '../../wire/plugin.ts'
import type { Snapshot } from '../../wire/snapshot.ts'
import type { SnapshotDeclaration } from '../declare/declaration.ts'
import { type Decision, ready, stall, take, wait } from './decision.ts'
import { mayStillRun, nextOutcomeCheckMs } from './intent.ts'
import { isListProof } from './late-list.ts'
import { type Now, passedMs } from './now.ts'
import { planPluginGate } from './plugin-gate.ts'
import type { SnapshotRecord } from './record.ts'
import { planAdoption, refuseOther } from './snapshot-adoption.ts'
import type { SnapshotObservation } from './snapshot-observation.ts'

const readinessPollMs = 2_000
const waitPollMs = 15_000

/** Decides for one declared snapshot: it is taken once, then only watched. Pure. */
export function planSnapshot(
  { spec }: SnapshotDeclaration,
  record: SnapshotRecord,
  observation: SnapshotObservation,
  now: Now,
): Decision {
  if (spec.suspend) {
    return {
      verdict: { state: 'suspended', reason: 'Suspended', message: 'spec.suspend is true: nothing is done' },
    }
  }
  if (record.snapshotID === undefined) {
    // The outcome of a sent create comes first, so that its snapshot is not forgotten.
    return spec.snapshotID === undefined || record.intent !== undefined
      ? planMissingSnapshot(record, observation, now)
      : planAdoption(spec.snapshotID, record, observation)
  }
  return (
    refuseOther(spec, record.snapshotID) ?? planTakenSnapshot(record.snapshotID, record, observation, now)
  )
}

function planMissingSnapshot(record: SnapshotRecord, observation: SnapshotObservation, now: Now): Decision {
  const { volume, snapshots } = observation
  const { intent } = record
  if (intent !== undefined) {
    if (snapshots !== 'unknown' && volume.state === 'ready') {
      const found = findByName(snapshots, record.csiName, volume.externalID)
      if (found !== undefined) return take('adopt-snapshot', 'Created', `snapshot "${found.ID}" was created`)
    }
    if (mayStillRun(intent, observation.callsEndedBeforeMs, now)) {
      return wait(
        'OutcomeUnknown',
        'the answer to the create was lost; the create may still be running, so it is not repeated before its deadline',
        nextOutcomeCheckMs(intent, now),
      )
    }
  }
  if (volume.state !== 'ready') return { verdict: volume, againAfterMs: waitPollMs }
  const gate = planPluginGate(volume.pluginID, observation.plugin, 'SupportsCreateDeleteSnapshot')
  if (gate !== undefined) return gate
  return intent === undefined
    ? take(
        'create-snapshot',
        'Creating',
        `taking snapshot "${record.csiName}" of external volume "${volume.externalID}"`,
      )
    : take(
        'create-snapshot',
        'RepeatingCreate',
        `the answer to the create of "${record.csiName}" ${intent.broken === undefined ? 'was lost' : 'broke CSI'}; repeating it`,
      )
}

/** The snapshot with our name, if the server lists names (Nomad does not). */
export function findByName(
  snapshots: ReadonlyMap<string, Snapshot>,
  csiName: string,
  externalVolumeID: string,
): Snapshot | undefined {
  return [...snapshots.values()].find(
    (snapshot) => snapshot.Name === csiName && snapshot.ExternalSourceVolumeID === externalVolumeID,
  )
}

function planTakenSnapshot(
  snapshotID: string,
  record: SnapshotRecord,
  observation: SnapshotObservation,
  now: Now,
): Decision {
  const { pluginID = '' } = record
  if (observation.snapshots === 'unknown') {
    const gate = planPluginGate(pluginID, observation.plugin, undefined)
    if (gate !== undefined) return gate
    return ready(
      'Taken',
      `snapshot "${snapshotID}" was taken; plugin "${pluginID}" cannot list snapshots, so Mooring cannot check it`,
    )
  }
  const snapshot = observation.snapshots.get(snapshotID)
  if (snapshot === undefined && !provesAbsence(observation.snapshots, snapshotID)) {
    return wait(
      'ListIncomplete',
      `waiting for plugin "${pluginID}" to list snapshot "${snapshotID}": its list has entries that cannot be read, and this may be one of them`,
      waitPollMs,
    )
  }
  if (snapshot === undefined && !isListProof(record, now)) {
    return wait(
      'NotReadyToUse',
      `waiting for the plugin to list snapshot "${snapshotID}", which it took a moment ago`,
      readinessPollMs,
    )
  }
  if (snapshot === undefined && record.schedule !== undefined) {
    return planMissingOfSchedule(snapshotID, record, now)
  }
  if (snapshot === undefined) {
    return stall(
      'Vanished',
      `plugin "${pluginID}" no longer lists snapshot "${snapshotID}", so it is lost. Mooring does not take it again, because a later one would hold other data. ${advise(reasons.Vanished.person.otherSnapshot())}`,
    )
  }
  return snapshot.IsReady
    ? ready('ReadyToUse', `snapshot "${snapshotID}" is ready to use`)
    : wait('NotReadyToUse', `waiting for the plugin to finish snapshot "${snapshotID}"`, readinessPollMs)
}

/** A list of the plugin may be late by this much. */
const lateListMs = 600_000

/** Somebody deleted a schedule's snapshot at the storage provider. No declaration of it can be removed, so it is dropped. */
function planMissingOfSchedule(
  snapshotID: string,
  { pluginID = '', unlisted }: SnapshotRecord,
  now: Now,
): Decision {
  const gone = `plugin "${pluginID}" no longer lists snapshot "${snapshotID}"`
  if (unlisted === undefined) return take('note-missing', 'Vanished', gone)
  const leftMs = lateListMs - passedMs(now, unlisted)
  if (leftMs <= 0) {
    return take('release', 'Vanished', `${gone}: somebody deleted it there, and its schedule forgets it`)
  }
  return {
    ...stall(
      'Vanished',
      `${gone}. Somebody deleted it there, or the list is late. If it is not listed within 10 minutes, its schedule forgets it. ${advise(reasons.Vanished.person.look())}`,
    ),
    againAfterMs: leftMs,
  }
}

export interface SnapshotEndObservation {
  readonly volume: SnapshotObservation['volume']
  readonly plugin: Plugin | undefined
  /** Volumes that have still to be created or restored from this snapshot. */
  readonly dependents: readonly string[]
  readonly callsEndedBeforeMs: number | undefined
}

/** Decides the next step of a snapshot that ends. */
export function planSnapshotEnd(
  record: SnapshotRecord,
  observation: SnapshotEndObservation,
  now: Now,
): Decision {
  const { deletionPolicy, suspend } = record.declaration.spec
  // Under every policy, the outcome of a sent create comes first. Otherwise its snapshot could be forgotten.
  const { intent, snapshotID } = record
  if (snapshotID === undefined) {
    if (intent !== undefined && mayStillRun(intent, observation.callsEndedBeforeMs, now)) {
      return wait(
        'OutcomeUnknown',
        'the end waits for a create that may still be running',
        nextOutcomeCheckMs(intent, now),
      )
    }
    const { plugin, volume } = observation
    if (intent?.broken?.externalID !== undefined && deletionPolicy === 'Delete' && !suspend) {
      return take(
        'adopt-snapshot',
        'Created',
        `the broken answer to the create named snapshot "${intent.broken.externalID}"; taking it over to delete it`,
      )
    }
    // Nomad's list has no names, so only a repeat of the request shows what the first one made.
    const canRepeat =
      intent?.broken === undefined &&
      volume.state === 'ready' &&
      planPluginGate(volume.pluginID, plugin, 'SupportsCreateDeleteSnapshot') === undefined
    if (intent !== undefined && deletionPolicy === 'Delete' && !suspend && canRepeat) {
      return take(
        'create-snapshot',
        'RepeatingCreate',
        `the answer to the create of "${record.csiName}" was lost; repeating it to find and delete what it made`,
      )
    }
    return intent === undefined
      ? take('release', 'NeverCreated', 'no longer declared, and no snapshot was taken for it')
      : take(
          'release',
          'OutcomeUnknown',
          `no longer declared. The answer to its create was lost, so the plugin may have a snapshot "${record.csiName}". ${advise(reasons.OutcomeUnknown.person.look())}`,
        )
  }
  if (suspend)
    return take('release', 'Retained', 'no longer declared; it was suspended, so the snapshot stays')
  if (deletionPolicy === 'Retain' && record.end !== undefined) {
    return take(
      'release',
      'OutcomeUnknown',
      `released after its delete was sent, so snapshot "${snapshotID}" may be deleted. ${advise(reasons.OutcomeUnknown.person.look())}`,
    )
  }
  if (deletionPolicy === 'Retain') {
    return take('release', 'Retained', 'no longer declared; the snapshot stays (deletionPolicy Retain)')
  }
  if (observation.dependents.length > 0 && record.end === undefined) {
    return wait(
      'HasDependents',
      `the end waits for what still needs the snapshot: ${observation.dependents.join(', ')}`,
      waitPollMs,
    )
  }
  // The plugin is asked also where its list lacks the snapshot: right after the create, a list may be behind.
  const gate = planPluginGate(record.pluginID ?? '', observation.plugin, 'SupportsCreateDeleteSnapshot')
  return gate ?? take('delete-snapshot', 'Deleting', `deleting snapshot "${snapshotID}"`)
}

import { advise } from '../../lib/reasons/explanation.ts'
import { reasons } from '../../lib/reasons/reasons.ts'
import type { Plugin } from '../../wire/plugin.ts'
import type { Volume } from '../../wire/volume.ts'
import { claimsOf } from './claims.ts'
import { type Decision, stall, take, wait } from './decision.ts'
import { mayStillRun, nextOutcomeCheckMs } from './intent.ts'
import { type Now, passedMs } from './now.ts'
import { isDeleteOpen } from './open-delete.ts'
import { endPolicyOf } from './per-alloc.ts'
import { planPluginGate } from './plugin-gate.ts'
import type { VolumeRecord } from './record.ts'
import { isRestored, restoreResult } from './restore-plan.ts'
import { refuseShared } from './shared-external.ts'

export interface VolumeEndObservation {
  readonly volume: Volume | undefined
  /** The volume that Nomad has under the tombstone ID. */
  readonly tombstone: Volume | undefined
  readonly plugin: Plugin | undefined
  /** Whether a fresh and complete list of the plugin lacks the external volume. */
  readonly isUnlisted: boolean
  /** Whether the plugin lists the final snapshot as ready to use; undefined if it is not taken yet. */
  readonly isFinalSnapshotReady: boolean | undefined
  /** Snapshots of the external volume that the plugin lists. Only read after it refused a delete. */
  readonly snapshotIDs: readonly string[]
  /** Declarations that still need this volume, and its snapshots that are being deleted. */
  readonly dependents: readonly string[]
  /** Other volumes with the same external ID and another context. */
  readonly sharers: readonly string[]
  /** Whether another volume has the external volume that a broken answer named. */
  readonly isMadeTaken: boolean
  readonly callsEndedBeforeMs: number | undefined
}

const waitPollMs = 15_000

/**
 * Decides the next step of a volume that ends, by its last deletionPolicy. Delete takes three steps, so that
 * DeleteVolume never reaches a volume in use: deregister it (Nomad refuses while it is in use), register it under a
 * tombstone ID, delete the tombstone.
 */
export function planVolumeEnd(record: VolumeRecord, observation: VolumeEndObservation, now: Now): Decision {
  const { deletionPolicy, suspend } = record.declaration.spec
  const { volume, tombstone } = observation
  if (record.restore !== undefined) return planRestoreEnd(record, observation, now)
  // Under every policy, the outcome of a sent create comes first. Otherwise its volume could be forgotten.
  if (record.externalID === undefined) {
    const { intent } = record
    const mayRun = intent !== undefined && mayStillRun(intent, observation.callsEndedBeforeMs, now)
    if (mayRun && volume === undefined) {
      return wait(
        'OutcomeUnknown',
        'the end waits for a create that may still be running',
        nextOutcomeCheckMs(intent, now),
      )
    }
    if (intent !== undefined && volume !== undefined && volume.Name === record.csiName)
      return take('adopt-volume', 'Created', `external volume "${volume.ExternalID}" was created`)
    if (intent === undefined) {
      return take('release', 'NeverCreated', 'no longer declared, and nothing was created for it')
    }
    return planUnknownCreate(record, observation)
  }

  if (suspend || deletionPolicy === 'Retain') {
    const sent = planSentDelete(record, observation, now)
    if (sent !== undefined) return sent
    // Nothing is deleted any more, and Nomad would show an ID that says so.
    if (tombstone !== undefined && tombstone.ExternalID === record.externalID) {
      return take(
        'cancel-end',
        'Retained',
        'the end is cancelled before its delete was sent; removing the tombstone from Nomad',
      )
    }
  }
  if (suspend)
    return take('release', 'Retained', 'no longer declared; it was suspended, so the volume stays as it is')
  if (deletionPolicy === 'Retain') {
    return take(
      'release',
      'Retained',
      `no longer declared; the volume stays as it is (${endPolicyOf(record.declaration)})`,
    )
  }

  if (volume !== undefined && volume.ExternalID !== record.externalID) {
    return take(
      'release',
      'Replaced',
      `no longer declared. Nomad's volume is now external volume "${volume.ExternalID}", which Mooring does not manage, so it stays.`,
    )
  }
  if (deletionPolicy === 'Delete') {
    const shared = refuseShared(
      record.externalID,
      observation.sharers,
      'deletionPolicy Delete is refused, so the end waits',
      advise(reasons.SharedExternalID.person.declareAndRemove()),
    )
    if (shared !== undefined) return { verdict: shared, againAfterMs: waitPollMs }
  }
  if (observation.dependents.length > 0 && record.end === undefined) {
    const dependents = observation.dependents.join(', ')
    return wait('HasDependents', `the end waits for what still needs the volume: ${dependents}`, waitPollMs)
  }

  if (volume !== undefined) {
    const claims = claimsOf(volume)
    if (claims.length > 0) {
      return wait('InUse', `in use by allocations ${claims.join(', ')}; the end waits for them`, waitPollMs)
    }
    return take(
      'deregister-volume',
      'Deregistering',
      `no longer declared; deregistering it from Nomad (${endPolicyOf(record.declaration)})`,
    )
  }
  if (deletionPolicy === 'Deregister') {
    return take(
      'release',
      'Deregistered',
      'no longer declared and deregistered from Nomad; the external volume stays',
    )
  }

  if (tombstone === undefined && (record.end?.phase === 'delete' || observation.isUnlisted)) {
    return take('release', 'Deleted', `external volume "${record.externalID}" is deleted`)
  }
  if (tombstone === undefined && record.end?.isGone) {
    return take(
      'release',
      'Vanished',
      `the plugin answers that there is no external volume "${record.externalID}", so nothing is left to delete`,
    )
  }
  const gate = planPluginGate(record.declaration.spec.pluginID, observation.plugin, 'SupportsCreateDelete')
  if (gate !== undefined) return gate
  if (tombstone === undefined) {
    return take(
      'register-tombstone',
      'Deleting',
      `registering external volume "${record.externalID}" under an ID that nothing can claim, to delete it safely`,
    )
  }
  if (tombstone.ExternalID !== record.externalID) {
    return stall(
      'TombstoneTaken',
      `Nomad's volume "${tombstone.ID}" is external volume "${tombstone.ExternalID}" instead of "${record.externalID}", so nothing is deleted. ${advise(reasons.TombstoneTaken.person.deregister({ namespace: tombstone.Namespace, otherVolume: tombstone.ID }))}`,
    )
  }
  const claims = claimsOf(tombstone)
  if (claims.length > 0) {
    return wait(
      'InUse',
      `volume "${tombstone.ID}" is in use by allocations ${claims.join(', ')}; the end waits for them`,
      waitPollMs,
    )
  }
  const final = planFinalSnapshot(record, observation, now)
  if (final !== undefined) return final
  const refused = planRefused(record, observation, now)
  if (refused !== undefined) return refused
  return take('delete-volume', 'Deleting', `deleting external volume "${record.externalID}"`)
}

/** Decides for a volume that a person released after its delete was sent: what is gone is not retained. */
function planSentDelete(
  { end, externalID }: VolumeRecord,
  { tombstone }: VolumeEndObservation,
  now: Now,
): Decision | undefined {
  if (end?.phase !== 'delete') return undefined
  if (tombstone === undefined) return take('release', 'Deleted', `external volume "${externalID}" is deleted`)
  return isDeleteOpen(end, now)
    ? take(
        'release',
        'OutcomeUnknown',
        `released after its delete was sent, so external volume "${externalID}" may be deleted. ${advise(reasons.OutcomeUnknown.person.look())}`,
      )
    : undefined
}

/**
 * Decides for a create whose answer was lost. Only a repeat shows what it made, so it is repeated if the volume must be
 * deleted. Otherwise the message names the volume that may exist.
 */
function planUnknownCreate(
  record: VolumeRecord,
  { volume, plugin, isMadeTaken }: VolumeEndObservation,
): Decision {
  const { deletionPolicy, suspend, pluginID, name } = record.declaration.spec
  const { broken } = record.intent ?? {}
  if (
    broken?.externalID !== undefined &&
    !isMadeTaken &&
    deletionPolicy === 'Delete' &&
    !suspend &&
    name === undefined
  ) {
    return take(
      'adopt-volume',
      'Created',
      `the broken answer to the create named external volume "${broken.externalID}"; taking it over to delete it`,
    )
  }
  // Two repeats would be wrong: with a declared name, the plugin may answer with somebody's older volume; under an ID
  // that Nomad knows, a create changes that volume.
  if (
    deletionPolicy === 'Delete' &&
    !suspend &&
    name === undefined &&
    volume === undefined &&
    broken === undefined
  ) {
    const gate = planPluginGate(pluginID, plugin, 'SupportsCreateDelete')
    return (
      gate ??
      take(
        'create-volume',
        'RepeatingCreate',
        `the answer to the create of "${record.csiName}" was lost; repeating it to find and delete what it made`,
      )
    )
  }
  return take(
    'release',
    'OutcomeUnknown',
    `no longer declared. The answer to its create ${broken === undefined ? 'was lost' : 'broke CSI'}, so plugin "${pluginID}" may have a volume "${broken?.externalID ?? record.csiName}". ${advise(reasons.OutcomeUnknown.person.look())}`,
  )
}

/** Finishes or cancels a running restore before the end, so that only one volume remains to end. */
function planRestoreEnd(
  record: VolumeRecord,
  { volume, callsEndedBeforeMs }: VolumeEndObservation,
  now: Now,
): Decision {
  const { intent } = record
  if (record.restore !== undefined && volume !== undefined && isRestored(record, volume)) {
    return take('adopt-restored', 'Restored', restoreResult(record.restore, volume.ExternalID))
  }
  if (intent !== undefined && mayStillRun(intent, callsEndedBeforeMs, now)) {
    return wait(
      'OutcomeUnknown',
      'the end waits for the create of a restore that may still be running',
      nextOutcomeCheckMs(intent, now),
    )
  }
  return take('end-restore', 'NotRestored', 'no longer declared; cancelling the running restore')
}

/** A refused delete is retried once the snapshots are gone, else at this interval. */
const refusedRetryMs = 600_000
const refusedPollMs = 60_000

/** A plugin may refuse to delete a volume that has snapshots, managed or not (CSI spec, DeleteVolume). */
function planRefused(
  { end, externalID }: VolumeRecord,
  { snapshotIDs }: VolumeEndObservation,
  now: Now,
): Decision | undefined {
  const refusal = end?.refusal
  if (refusal === undefined) return undefined
  const left = refusal.snapshotIDs.filter((id) => snapshotIDs.includes(id))
  if (left.length > 0) {
    const list = left.map((id) => `"${id}"`).join(', ')
    return {
      ...stall(
        'HasSnapshots',
        `the plugin does not delete external volume "${externalID}" while it has snapshots: ${list} (${refusal.message}). ${advise(reasons.HasSnapshots.person.deleteSnapshots(), reasons.HasSnapshots.person.keep())}`,
      ),
      againAfterMs: refusedPollMs,
    }
  }
  const retryInMs = refusedRetryMs - passedMs(now, refusal.at)
  if (refusal.snapshotIDs.length > 0 || retryInMs <= 0) return undefined
  return {
    ...stall(
      'DeleteRefused',
      `the plugin refuses to delete external volume "${externalID}", although Nomad does not use it: ${refusal.message}. Mooring retries every 10 minutes. ${advise(reasons.DeleteRefused.person.look())}`,
    ),
    againAfterMs: retryInMs,
  }
}

const readinessPollMs = 2_000

/** Decides on the snapshot of the tombstone, to which nothing can write. undefined if none is needed or it is ready. */
function planFinalSnapshot(
  record: VolumeRecord,
  observation: VolumeEndObservation,
  now: Now,
): Decision | undefined {
  const { finalSnapshot, declaration } = record
  // A sent delete already has its snapshot.
  if (!declaration.spec.finalSnapshot || record.end?.phase === 'delete') return undefined
  if (finalSnapshot?.snapshotID === undefined) {
    if (
      finalSnapshot !== undefined &&
      mayStillRun(finalSnapshot.intent, observation.callsEndedBeforeMs, now)
    ) {
      return wait(
        'OutcomeUnknown',
        'the answer to the final snapshot was lost; the create may still be running, so it is not repeated before its deadline',
        nextOutcomeCheckMs(finalSnapshot.intent, now),
      )
    }
    const { pluginID } = declaration.spec
    const gate = planPluginGate(pluginID, observation.plugin, 'SupportsCreateDeleteSnapshot')
    return gate ?? take('take-final-snapshot', 'FinalSnapshot', 'taking the final snapshot before the delete')
  }
  return observation.isFinalSnapshotReady === true
    ? undefined
    : wait(
        'FinalSnapshotNotReady',
        `the delete waits for the final snapshot "${finalSnapshot.snapshotID}" to be ready to use`,
        readinessPollMs,
      )
}

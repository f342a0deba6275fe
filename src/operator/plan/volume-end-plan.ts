import type { Plugin } from '../../wire/plugin.ts'
import type { Volume } from '../../wire/volume.ts'
import { claimsOf } from './claims.ts'
import { type Decision, stall, take, wait } from './decision.ts'
import { endPolicyOf } from './per-alloc.ts'
import { planPluginGate } from './plugin-gate.ts'
import { mayStillRun, untilSettledMs, type VolumeRecord } from './record.ts'
import { describeRestored, isRestored } from './restore-plan.ts'

export interface VolumeEndObservation {
  readonly volume: Volume | undefined
  /** What Nomad has under the tombstone ID. */
  readonly tombstone: Volume | undefined
  readonly plugin: Plugin | undefined
  /** Whether the plugin's fresh and whole list lacks the external volume. */
  readonly isUnlisted: boolean
  /** Whether the plugin lists the final snapshot as ready to use; undefined where it was not taken yet. */
  readonly isFinalSnapshotReady: boolean | undefined
  /** Snapshots of the external volume that the plugin lists; asked for once it refused a delete. */
  readonly snapshotIDs: readonly string[]
  /** Declarations that need this volume still, and snapshots of it that are ending themselves. */
  readonly dependents: readonly string[]
  readonly settledBeforeMs: number
}

const waitPollMs = 15_000

/**
 * Decides the next step of a volume whose declaration is gone for good, by the deletionPolicy it had
 * last. Delete goes deregister (Nomad's in-use check is inside that transaction), register under a
 * tombstone ID, delete that: so that DeleteVolume never reaches a volume in use.
 */
export function planVolumeEnd(
  record: VolumeRecord,
  observation: VolumeEndObservation,
  nowMs: number,
): Decision {
  const { deletionPolicy, suspend } = record.declaration.spec
  const { volume, tombstone } = observation
  if (record.restore !== undefined) return planRestoreEnd(record, observation, nowMs)
  // Whatever the policy: a create that is out is learnt of first, so that what it makes is not forgotten.
  if (record.externalID === undefined) {
    const { intent } = record
    const mayRun = intent !== undefined && mayStillRun(intent, observation.settledBeforeMs, nowMs)
    if (mayRun && volume === undefined) {
      return wait(
        'OutcomeUnknown',
        'a create was sent and may still be running; waiting for it before the end',
        untilSettledMs(intent, nowMs),
      )
    }
    if (intent !== undefined && volume !== undefined && volume.Name === record.csiName)
      return take('adopt-volume', 'Created', `external volume "${volume.ExternalID}" was created`)
    if (intent === undefined) {
      return take('release', 'NeverCreated', 'no longer declared, and nothing was created for it')
    }
    return planUnknownCreate(record, observation)
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
      `no longer declared; Nomad's volume stands for external volume "${volume.ExternalID}", which is not ours, so it is left alone`,
    )
  }
  if (observation.dependents.length > 0 && record.end === undefined) {
    return wait('HasDependents', `its end waits for ${observation.dependents.join(', ')}`, waitPollMs)
  }

  if (volume !== undefined) {
    const claims = claimsOf(volume)
    if (claims.length > 0) {
      return wait('InUse', `its end waits for the claims of allocations ${claims.join(', ')}`, waitPollMs)
    }
    return take(
      'deregister-volume',
      'Deregistering',
      `no longer declared; taking it out of Nomad (${endPolicyOf(record.declaration)})`,
    )
  }
  if (deletionPolicy === 'Deregister') {
    return take('release', 'Deregistered', 'no longer declared, and out of Nomad; the external volume stays')
  }

  if (tombstone === undefined && (record.end?.phase === 'delete' || observation.isUnlisted)) {
    return take('release', 'Deleted', `external volume "${record.externalID}" is deleted`)
  }
  const gate = planPluginGate(record.declaration.spec.pluginID, observation.plugin, 'SupportsCreateDelete')
  if (gate !== undefined) return gate
  if (tombstone === undefined) {
    return take(
      'register-tombstone',
      'Deleting',
      `holding external volume "${record.externalID}" under a name of its own for the delete`,
    )
  }
  if (tombstone.ExternalID !== record.externalID) {
    return stall(
      'TombstoneTaken',
      `volume "${tombstone.ID}" stands for external volume "${tombstone.ExternalID}" and not for "${record.externalID}"; deregister it by hand`,
    )
  }
  const claims = claimsOf(tombstone)
  if (claims.length > 0) {
    return wait(
      'InUse',
      `its end waits for the claims of allocations ${claims.join(', ')} on volume "${tombstone.ID}"`,
      waitPollMs,
    )
  }
  const final = planFinalSnapshot(record, observation, nowMs)
  if (final !== undefined) return final
  const refused = planRefused(record, observation, nowMs)
  if (refused !== undefined) return refused
  return take('delete-volume', 'Deleting', `deleting external volume "${record.externalID}"`)
}

/**
 * A create whose answer never came: only the same request again tells what it made. It is repeated where the end
 * has something to do about that; else the volume that may be there is named, and left.
 */
function planUnknownCreate(record: VolumeRecord, { volume, plugin }: VolumeEndObservation): Decision {
  const { deletionPolicy, suspend, pluginID, name } = record.declaration.spec
  // A fixed name may be that of somebody's older volume, which the plugin would answer with. And a create under an ID
  // that Nomad has a volume of changes that one.
  if (deletionPolicy === 'Delete' && !suspend && name === undefined && volume === undefined) {
    const gate = planPluginGate(pluginID, plugin, 'SupportsCreateDelete')
    return (
      gate ??
      take(
        'create-volume',
        'RepeatingCreate',
        `repeating the create of "${record.csiName}" whose answer was lost, to delete what it made`,
      )
    )
  }
  return take(
    'release',
    'OutcomeUnknown',
    `no longer declared. The answer to its create was lost, so plugin "${pluginID}" may have a volume "${record.csiName}": mooring orphans lists it if it is there`,
  )
}

/** A restore that was under way is done or called off before the end, so that the end is of one volume. */
function planRestoreEnd(
  record: VolumeRecord,
  { volume, settledBeforeMs }: VolumeEndObservation,
  nowMs: number,
): Decision {
  const { intent } = record
  if (record.restore !== undefined && volume !== undefined && isRestored(record, volume)) {
    return take('adopt-restored', 'Restored', describeRestored(record.restore, volume.ExternalID))
  }
  if (intent !== undefined && mayStillRun(intent, settledBeforeMs, nowMs)) {
    return wait(
      'OutcomeUnknown',
      'the create of a restore was sent and may still be running; waiting for it before the end',
      untilSettledMs(intent, nowMs),
    )
  }
  return take(
    'end-restore',
    'NotRestored',
    'no longer declared; the restore that was under way is called off',
  )
}

/** A delete that was refused is tried again once what stood against it is gone, else seldom. */
const refusedRetryMs = 600_000
const refusedPollMs = 60_000

/** A plugin may refuse to delete a volume that has snapshots (CSI spec, DeleteVolume): managed ones or others. */
function planRefused(
  { end, externalID }: VolumeRecord,
  { snapshotIDs }: VolumeEndObservation,
  nowMs: number,
): Decision | undefined {
  const refusal = end?.refusal
  if (refusal === undefined) return undefined
  const left = refusal.snapshotIDs.filter((id) => snapshotIDs.includes(id))
  if (left.length > 0) {
    const list = left.map((id) => `"${id}"`).join(', ')
    return {
      ...stall(
        'HasSnapshots',
        `the plugin does not delete external volume "${externalID}" while it has snapshots: ${list} (${refusal.message}). Delete them, whoever made them, and its end goes on; declared again, it stays.`,
      ),
      againAfterMs: refusedPollMs,
    }
  }
  const retryInMs = refusal.atMs + refusedRetryMs - nowMs
  if (refusal.snapshotIDs.length > 0 || retryInMs <= 0) return undefined
  return {
    ...stall(
      'DeleteRefused',
      `the plugin does not delete external volume "${externalID}", which Nomad has in no use: ${refusal.message}`,
    ),
    againAfterMs: retryInMs,
  }
}

const readinessPollMs = 2_000

/** The snapshot before a delete, taken of the tombstone, which nobody can be writing to; undefined once it is ready. */
function planFinalSnapshot(
  record: VolumeRecord,
  observation: VolumeEndObservation,
  nowMs: number,
): Decision | undefined {
  const { finalSnapshot, declaration } = record
  // A delete that went out already has its snapshot.
  if (!declaration.spec.finalSnapshot || record.end?.phase === 'delete') return undefined
  if (finalSnapshot?.snapshotID === undefined) {
    if (
      finalSnapshot !== undefined &&
      mayStillRun(finalSnapshot.intent, observation.settledBeforeMs, nowMs)
    ) {
      return wait(
        'OutcomeUnknown',
        'the final snapshot was asked for and the answer was lost; it may still be running, so it is not repeated before its deadline',
        untilSettledMs(finalSnapshot.intent, nowMs),
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

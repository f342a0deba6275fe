import type { Volume } from '../../wire/volume.ts'
import { claimsOf } from '../plan/claims.ts'
import type { Decision } from '../plan/decision.ts'
import { wait } from '../plan/decision.ts'
import { withDetach } from '../plan/detach-plan.ts'
import { csiNameFor, type Key } from '../plan/identity.ts'
import type { Now } from '../plan/now.ts'
import { isDeleteOpen } from '../plan/open-delete.ts'
import { contextField, type VolumeRecord } from '../plan/record.ts'
import { findReleased, firstIncarnation } from '../plan/released.ts'
import type { Status } from '../plan/status.ts'
import { findUnreadable } from '../plan/volume-difference.ts'
import { planVolumeEnd } from '../plan/volume-end-plan.ts'
import { planVolume } from '../plan/volume-plan.ts'
import { absenceOf, endingDeclaration, planAbsentDeclaration } from './absence.ts'
import type { GatherContext } from './context.ts'
import { claimNodesOf, looksForStale, publishedTo } from './gather-detach.ts'
import { gatherEnd } from './gather-end.ts'
import { gatherVolume, specHash } from './gather-volume.ts'
import type { Kind, Steps } from './kind.ts'
import { adoptRestored } from './steps/adopt-restored.ts'
import { adoptVolume } from './steps/adopt-volume.ts'
import { beginRestore } from './steps/begin-restore.ts'
import { cancelEnd } from './steps/cancel-end.ts'
import { createVolume } from './steps/create-volume.ts'
import { deleteVolume } from './steps/delete-volume.ts'
import { deregisterReplaced } from './steps/deregister-replaced.ts'
import { deregisterVolume } from './steps/deregister-volume.ts'
import { detachNode } from './steps/detach-node.ts'
import { endRestore } from './steps/end-restore.ts'
import { forgetDetachOrder } from './steps/forget-detach-order.ts'
import { forgetRecreateOrder } from './steps/forget-recreate-order.ts'
import { recreateVolume } from './steps/recreate-volume.ts'
import { registerTombstone } from './steps/register-tombstone.ts'
import { registerVolume } from './steps/register-volume.ts'
import { release } from './steps/release.ts'
import { restoreVolume } from './steps/restore-volume.ts'
import { takeFinalSnapshot } from './steps/take-final-snapshot.ts'
import { undoRestore } from './steps/undo-restore.ts'
import { updateVolume } from './steps/update-volume.ts'
import { nothingSeen, type VolumeSeen } from './volume-seen.ts'

const steps: Steps<VolumeRecord, VolumeSeen> = {
  'create-volume': createVolume,
  'register-volume': registerVolume,
  'adopt-volume': adoptVolume,
  'recreate-volume': recreateVolume,
  'begin-restore': beginRestore,
  'deregister-replaced': deregisterReplaced,
  'restore-volume': restoreVolume,
  'adopt-restored': adoptRestored,
  'undo-restore': undoRestore,
  'end-restore': endRestore,
  'update-volume': updateVolume,
  'expand-volume': updateVolume,
  'detach-node': detachNode,
  'forget-detach-order': forgetDetachOrder,
  'forget-recreate-order': forgetRecreateOrder,
  'deregister-volume': deregisterVolume,
  'register-tombstone': registerTombstone,
  'delete-volume': deleteVolume,
  'take-final-snapshot': takeFinalSnapshot,
  'cancel-end': cancelEnd,
  release,
}

/** Passes over volumes. */
export function volumeKind(context: GatherContext): Kind<VolumeRecord, VolumeSeen> {
  const { desired } = context
  return {
    begin: (key) => beginVolume(context, key),
    async gather(record) {
      const { key } = record
      const isDeclared = desired.declaration(key) !== undefined
      // A delete that may take effect cannot be cancelled. It finishes first, even if the volume is declared again.
      if (isDeclared && !isDeleteOpen(record.end, context.time())) return gatherVolume(context, record)
      const absence = absenceOf(context, key)
      return isDeclared || absence?.state === 'ending'
        ? gatherEnd(context, record)
        : { ...nothingSeen, by: { type: 'held', absence } }
    },
    plan: planPass,
    steps,
    asDeclared({ lastUpdateHash, detachTries, ...record }, { volume }) {
      return {
        ...record,
        ...contextField(volume, record.context),
        settledSpecHash: specHash(context, record),
      }
    },
    present: presentVolume,
  }
}

function planPass(record: VolumeRecord, seen: VolumeSeen, now: Now): Decision {
  const { by, detach, volume } = seen
  switch (by.type) {
    case 'held':
      return planAbsentDeclaration(by.absence, record)
    case 'ending': {
      const decision = planVolumeEnd(record, by.observation, now)
      return decision.verdict.reason === 'InUse'
        ? withDetach(decision, detach, looksForStale(record, volume))
        : decision
    }
    case 'declared': {
      const decision = holdWhileDraining(planVolume(record.declaration, record, by.observation, now), seen)
      const isPlain = record.end === undefined && record.restore === undefined && volume !== undefined
      return isPlain ? withDetach(decision, detach, looksForStale(record, volume)) : decision
    }
  }
}

const drainPollMs = 15_000

/** Delays growing a volume while a node that uses it drains: its file system would grow in the middle of the move. */
function holdWhileDraining(decision: Decision, { drainingNodes }: VolumeSeen): Decision {
  const [first, ...others] = drainingNodes
  if (decision.step !== 'expand-volume' || first === undefined) return decision
  const where = `node${others.length === 0 ? '' : 's'} ${drainingNodes.join(', ')}`
  return wait(
    'NodeDraining',
    `growing waits until ${where} no longer ${others.length === 0 ? 'drains' : 'drain'}, because the volume is in use there`,
    drainPollMs,
  )
}

function presentVolume(record: VolumeRecord, seen: VolumeSeen = nothingSeen): Partial<Status> {
  const { volume } = seen
  return {
    pluginID: record.declaration.spec.pluginID,
    ...(record.externalID === undefined ? {} : { externalID: record.externalID }),
    ...sizeOf(volume),
    ...attachmentOf(seen, record),
    ...(volume === undefined
      ? {}
      : {
          schedulable: volume.Schedulable,
          unreadable: findUnreadable(record.declaration.spec, record, volume, seen.hashes),
        }),
  }
}

function sizeOf(volume: Volume | undefined) {
  return volume === undefined || BigInt(volume.Capacity) === 0n ? {} : { sizeBytes: volume.Capacity }
}

function attachmentOf({ volume, plugin, listed }: VolumeSeen, record: VolumeRecord) {
  if (volume === undefined) return {}
  const claimNodes = claimNodesOf(volume, record)
  const attachedNodes = [...new Set([...Object.values(claimNodes), ...publishedTo(listed, plugin)])].sort()
  const externalNodeIDs = Object.fromEntries(
    attachedNodes.flatMap((nodeID) => {
      const id = plugin?.Nodes?.[nodeID]?.NodeInfo?.ID ?? record.status.externalNodeIDs?.[nodeID]
      return id === undefined ? [] : [[nodeID, id]]
    }),
  )
  return { claims: claimsOf(volume), claimNodes, attachedNodes, externalNodeIDs }
}

function beginVolume(context: GatherContext, key: Key): VolumeRecord {
  const { inventory, desired, region, time } = context
  const before = inventory.get(key)
  const ending = endingDeclaration(absenceOf(context, key))
  const declaration = desired.declaration(key) ?? ending
  if (before?.kind === 'Volume') {
    // A sent delete finishes with the declaration that it began with, unless a person released the object.
    const isReleased = ending?.kind === 'Volume' && ending.spec.deletionPolicy === 'Retain'
    if (isDeleteOpen(before.end, time()) && !isReleased)
      return { ...before, declaration: before.end?.declaration ?? before.declaration }
    return declaration?.kind === 'Volume' ? { ...before, declaration } : before
  }
  if (declaration?.kind !== 'Volume') throw new Error(`${key} is neither declared nor managed`)
  const released = inventory.findReleased('key', key)
  const incarnation = firstIncarnation(released, key)
  const left = findReleased(declaration, key, released)
  return {
    kind: 'Volume',
    key,
    declaration,
    csiName: left?.csiName ?? csiNameFor(key, declaration, region, incarnation),
    incarnation: left?.incarnation ?? incarnation,
    ...(left === undefined ? {} : { externalID: left.externalID }),
    ...(left?.context === undefined ? {} : { context: left.context }),
    status: { conditions: [] },
  }
}

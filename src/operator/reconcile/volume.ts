import type { Volume } from '../../wire/volume.ts'
import { claimsOf } from '../plan/claims.ts'
import type { Decision, StepName } from '../plan/decision.ts'
import { withDetach } from '../plan/detach-plan.ts'
import type { Key } from '../plan/identity.ts'
import { csiNameFor } from '../plan/identity.ts'
import { findKept } from '../plan/per-alloc.ts'
import { contextField, incarnationsUsed, type VolumeRecord } from '../plan/record.ts'
import { findUnreadable } from '../plan/volume-difference.ts'
import { planVolume } from '../plan/volume-plan.ts'
import { endingDeclaration, planAbsentDeclaration } from './absence.ts'
import type { ReconcileContext } from './context.ts'
import { gatherForEnd, planEnd } from './end-volume.ts'
import { claimNodesOf, gatherDetach, looksForStale, publishedTo } from './gather-detach.ts'
import { gatherVolume, specHash } from './gather-volume.ts'
import { holdWhileDraining } from './hold-while-draining.ts'
import type { Pass } from './pass.ts'
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
import { recreateVolume } from './steps/recreate-volume.ts'
import { registerTombstone } from './steps/register-tombstone.ts'
import { registerVolume } from './steps/register-volume.ts'
import { restoreVolume } from './steps/restore-volume.ts'
import { takeFinalSnapshot } from './steps/take-final-snapshot.ts'
import { undoRestore } from './steps/undo-restore.ts'
import { updateVolume } from './steps/update-volume.ts'
import type { VolumeStepInput } from './volume-step.ts'

type VolumeStep = (input: VolumeStepInput) => Promise<VolumeRecord | undefined>

const steps: Partial<Record<StepName, VolumeStep>> = {
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
  'deregister-volume': deregisterVolume,
  'register-tombstone': registerTombstone,
  'delete-volume': deleteVolume,
  'take-final-snapshot': takeFinalSnapshot,
  'cancel-end': cancelEnd,
  release: async () => undefined,
}

/** A pass over one volume, declared or ending. */
export function createVolumePass(
  context: ReconcileContext,
  key: Key,
  signal: AbortSignal,
): Pass<VolumeRecord> {
  const record = currentRecord(context, key)
  let input: VolumeStepInput = {
    context,
    record,
    volume: undefined,
    source: { state: 'ready' },
    secretValues: {},
    hashes: {},
    updateHash: undefined,
    detach: { type: 'none' },
    plugin: undefined,
    listed: undefined,
    signal,
  }
  async function detachBeside(decision: Decision): Promise<Decision> {
    const { record, volume, plugin, listed } = input
    // Until it is restored, which of the two volumes an attachment is of may change with the next step.
    if (volume === undefined || record.restore !== undefined) return decision
    const detach = await gatherDetach(context, record, { volume, plugin, listed })
    input = { ...input, detach }
    return withDetach(decision, detach, looksForStale(record, volume))
  }
  return {
    record,
    async decide(record) {
      input = { ...input, record }
      const isDeclared = context.desired.declaration(key) !== undefined
      // A delete that is out cannot be called back; what is declared again afterwards begins anew.
      if (!isDeclared || record.end?.phase === 'delete') {
        const held = isDeclared ? undefined : planAbsentDeclaration(context.desired.absence(key), record)
        if (held !== undefined) return held
        input = await gatherForEnd(input)
        const decision = await planEnd(input)
        return decision.verdict.reason === 'InUse' ? detachBeside(decision) : decision
      }
      const gathered = await gatherVolume(input)
      input = gathered.input
      const planned = planVolume(record.declaration, record, gathered.observation, context.clock.now())
      const decision = await holdWhileDraining(context, planned, record, input.volume)
      return record.end === undefined ? detachBeside(decision) : decision
    },
    async act(step) {
      const run = steps[step]
      if (run === undefined) throw new Error(`a volume has no step ${step}`)
      return run(input)
    },
    settle({ lastUpdateHash, detachTries, ...settled }) {
      return {
        ...settled,
        ...contextField(input.volume, settled.context),
        settledSpecHash: specHash(context, settled),
      }
    },
    facts: (after) => ({
      pluginID: after.declaration.spec.pluginID,
      ...(after.externalID === undefined ? {} : { externalID: after.externalID }),
      ...sizeOf(input.volume),
      ...attachmentOf(input, after),
      ...(input.volume === undefined
        ? {}
        : {
            schedulable: input.volume.Schedulable,
            unreadable: findUnreadable(after.declaration.spec, after, input.volume, input.hashes),
          }),
    }),
  }
}

function sizeOf(volume: Volume | undefined) {
  return volume === undefined || BigInt(volume.Capacity) === 0n ? {} : { sizeBytes: volume.Capacity }
}

function attachmentOf({ volume, plugin, listed }: VolumeStepInput, record: VolumeRecord) {
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

function currentRecord({ inventory, desired, region }: ReconcileContext, key: Key): VolumeRecord {
  const before = inventory.get(key)
  const ending = endingDeclaration(desired.absence(key))
  const declaration = desired.declaration(key) ?? ending
  // A delete that is out is finished as it was begun, unless a person lets it go.
  const isLetGo = ending?.kind === 'Volume' && ending.spec.deletionPolicy === 'Retain'
  if (before?.kind === 'Volume' && before.end?.phase === 'delete' && !isLetGo) return before
  if (before?.kind === 'Volume') {
    return declaration?.kind === 'Volume' ? { ...before, declaration } : before
  }
  if (declaration?.kind !== 'Volume') throw new Error(`${key} is neither declared nor managed`)
  const kept = findKept(declaration, inventory.released())
  return {
    kind: 'Volume',
    key,
    declaration,
    csiName: kept?.csiName ?? csiNameFor(key, declaration, region),
    incarnation: incarnationsUsed(inventory.released(), key),
    ...(kept === undefined ? {} : { externalID: kept.externalID }),
    ...(kept?.context === undefined ? {} : { context: kept.context }),
    status: { conditions: [] },
  }
}

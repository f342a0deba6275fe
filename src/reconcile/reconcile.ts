import { isDeepStrictEqual } from 'node:util'
import type { Outcome } from '../engine/outcome.ts'
import { unobserved } from '../lib/around.ts'
import { toOperationError } from '../lib/errors.ts'
import type { Decision, StepName } from '../plan/decision.ts'
import type { Key } from '../plan/identity.ts'
import { planSuspension } from '../plan/orders.ts'
import { wholeKeyOf } from '../plan/per-alloc.ts'
import { contextField, type InventoryRecord, type Released, storedThing } from '../plan/record.ts'
import { addToHistory, conditionsOf, type PastStep, type Status, type Verdict } from '../plan/status.ts'
import type { ReconcileContext } from './context.ts'
import { createSnapshotPass } from './snapshot.ts'
import { createSnapshotSchedulePass } from './snapshot-schedule.ts'
import { createVolumePass } from './volume.ts'

/** One kind's view of a pass: what to do, and how each step is done. */
export interface Pass<Record extends InventoryRecord> {
  /** The record as this pass found it, brought up to date with the declaration. */
  readonly record: Record
  decide(): Promise<Decision>
  /** Carries out a step; resolves with the record afterwards, or undefined where management ends. */
  act(step: StepName): Promise<Record | undefined>
  /** Called where the declaration holds. */
  settle(record: Record): Record
  /** What the status shows beside the conditions. */
  facts(record: Record): Partial<Status>
}

/**
 * One pass for one identity: gather, plan, at most one step, then the status, once.
 * Rejects never for what the outside world does; that is in the outcome.
 */
export function createReconcile(
  context: ReconcileContext,
): (key: Key, signal: AbortSignal) => Promise<Outcome> {
  // What the log said last of each identity, in the life of this process.
  const announced = new Map<Key, string>()
  const announce = (key: Key, { state, reason, message }: Verdict) => {
    const said = `${reason}: ${message}`
    if (announced.get(key) === said) return
    announced.set(key, said)
    context.log.info({ key, state, reason, why: message }, 'status')
  }
  return async (key, signal) => {
    const declaration = context.desired.declaration(key)
    const kind = declaration?.kind ?? context.inventory.get(key)?.kind
    if (kind === undefined) return { type: 'done' }
    switch (kind) {
      case 'Volume':
        return runPass(createVolumePass(context, key, signal), context, signal, announce)
      case 'Snapshot':
        return runPass(createSnapshotPass(context, key, signal), context, signal, announce)
      case 'SnapshotSchedule':
        return runPass(createSnapshotSchedulePass(context, key), context, signal, announce)
    }
  }
}

async function runPass<Record extends InventoryRecord>(
  pass: Pass<Record>,
  context: ReconcileContext,
  signal: AbortSignal,
  announce: (key: Key, verdict: Verdict) => void,
): Promise<Outcome> {
  const { key } = pass.record
  const before = context.inventory.get(key)
  let after: Record | undefined = pass.record
  let verdict: Verdict
  let outcome: Outcome
  let taken: Pick<PastStep, 'step' | 'why'> | undefined
  let failedBy: string | undefined
  try {
    const { inventory } = context
    const whole = wholeKeyOf(pass.record.declaration)
    const decision =
      planSuspension(inventory.orders(key), whole === undefined ? {} : inventory.orders(whole)) ??
      (await pass.decide())
    verdict = decision.verdict
    if (decision.step !== undefined && context.onPlanned !== undefined) {
      context.onPlanned(key, decision)
      verdict = readOnlyVerdict(decision.step, verdict)
      outcome = { type: 'done' }
    } else if (decision.step === undefined) {
      if (verdict.state === 'ready') after = pass.settle(pass.record)
      outcome =
        decision.againAfterMs === undefined
          ? { type: 'done' }
          : { type: 'again', afterMs: decision.againAfterMs }
    } else {
      context.log.info({ key, step: decision.step, reason: verdict.reason, why: verdict.message }, 'step')
      const { aroundStep = unobserved } = context
      const { step } = decision
      taken = { step, why: verdict.message }
      after = await aroundStep({ key, step, why: verdict.message }, () => pass.act(step))
      outcome = { type: 'again', afterMs: 0 }
    }
  } catch (error) {
    if (signal.aborted) return { type: 'done' }
    const failure = toOperationError(error)
    failedBy = failure.message
    verdict = {
      state: failure.kind === 'permanent' ? 'stalled' : 'waiting',
      reason: failure.reason,
      message: failure.message,
    }
    outcome = outcomeOf(failure)
    // A step writes its intent before its effect, so what is stored may be newer than what we began with.
    const stored = context.inventory.get(key) as Record | undefined // The key names the kind.
    after = stored === undefined ? pass.record : { ...stored, declaration: pass.record.declaration }
    // What the engine repeats, the engine logs.
    if (outcome.type !== 'failed') {
      context.log.warn({ key, reason: failure.reason, why: failure.message }, 'pass held up')
    }
  }

  if (after === undefined) {
    const left = releasedOf(
      pass.record,
      taken?.step,
      verdict.reason,
      context.clock.now(),
      context.inventory.released(),
    )
    if (left !== undefined) await context.inventory.release(left)
    await context.inventory.delete(key)
    context.log.info({ key, reason: verdict.reason, why: verdict.message }, 'no longer managed')
    context.onStatus(key)
    return { type: 'done' }
  }
  const status: Status = {
    // What an earlier pass saw stands until a later one sees otherwise.
    ...after.status,
    ...pass.facts(after),
    ...(taken === undefined
      ? {}
      : {
          history: addToHistory(after.status.history ?? [], {
            ...taken,
            atMs: context.clock.now(),
            outcome: failedBy === undefined ? 'done' : 'failed',
            ...(failedBy === undefined ? {} : { error: failedBy }),
          }),
        }),
    conditions: conditionsOf(verdict, after.status.conditions, context.clock.now()),
  }
  const record = { ...after, status }
  if (!isDeepStrictEqual(record, before)) await context.inventory.put(record)
  if (!isDeepStrictEqual(status, before?.status)) {
    context.onStatus(key)
  }
  announce(key, verdict)
  return outcome
}

function readOnlyVerdict(step: StepName, { message }: Verdict): Verdict {
  return { state: 'waiting', reason: 'ReadOnly', message: `would take the step ${step}: ${message}` }
}

/** What stays behind of a management that ends: undefined where nothing does. */
function releasedOf(
  record: InventoryRecord,
  step: string | undefined,
  reason: string,
  atMs: number,
  before: readonly Released[],
): Released | undefined {
  if (step !== 'release') return undefined
  const { pluginID, externalID } = storedThing(record)
  if (externalID === undefined || pluginID === undefined) return undefined
  const { key, csiName, incarnation } = record
  // What was left behind once and taken back since is there no more, and nobody may look for it.
  const wasLeft = before.some((left) => left.key === key && left.externalID === externalID)
  if (reason === 'Deleted' && !wasLeft) return undefined
  const identity =
    record.kind === 'Volume' ? { csiName, incarnation, ...contextField(undefined, record.context) } : {}
  return { key, pluginID, externalID, reason, atMs, ...identity }
}

function outcomeOf(failure: ReturnType<typeof toOperationError>): Outcome {
  switch (failure.kind) {
    case 'permanent':
      return { type: 'done' }
    case 'waiting':
      return { type: 'again', afterMs: failure.retryAfterMs ?? 15_000 }
    case 'transient':
    case 'ambiguous':
      return { type: 'failed', error: failure }
  }
}

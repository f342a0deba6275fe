import { isDeepStrictEqual } from 'node:util'
import { unobserved } from '../../lib/around.ts'
import { toOperationError } from '../../lib/errors.ts'
import type { Outcome } from '../engine/outcome.ts'
import type { StepName } from '../plan/decision.ts'
import type { Key } from '../plan/identity.ts'
import { planSuspension } from '../plan/orders.ts'
import { wholeKeyOf } from '../plan/per-alloc.ts'
import { contextField, type InventoryRecord, type Released, storedThing } from '../plan/record.ts'
import { addToHistory, conditionsOf, type PastStep, type Status, type Verdict } from '../plan/status.ts'
import { effectOf } from '../plan/step-effect.ts'
import type { ReconcileContext } from './context.ts'
import type { Pass } from './pass.ts'
import { createSnapshotPass } from './snapshot.ts'
import { createSnapshotSchedulePass } from './snapshot-schedule.ts'
import { createVolumePass } from './volume.ts'

/**
 * One pass for one identity: gather, plan, at most one change, a look at what came of it, then the status, once.
 * Rejects never for what the outside world does; that is in the outcome.
 */
export function createReconcile(
  context: ReconcileContext,
): (key: Key, signal: AbortSignal) => Promise<Outcome> {
  // What the log said last of each identity, in the life of this process.
  const announced = new Map<Key, string>()
  const announce: Announce = (key, { state, reason, message }, hasStepped) => {
    const said = `${reason}: ${message}`
    if (announced.get(key) === said && !hasStepped) return
    announced.set(key, said)
    // Of what is about to be done the log tells by its step.
    if (state !== 'working') context.log.info({ key, state, reason, why: message }, 'status')
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

type Announce = (key: Key, verdict: Verdict, hasStepped: boolean) => void

/** What a pass came to, before it is recorded. */
interface Result<Record extends InventoryRecord> {
  /** undefined: management ends. */
  readonly record: Record | undefined
  readonly verdict: Verdict
  readonly outcome: Outcome
  /** In the order in which they were taken. */
  readonly steps: readonly Omit<PastStep, 'times'>[]
}

/**
 * Looks and acts until nothing is left to do at once. After the first step only what it led to is taken over: what
 * else there is to change waits for the next pass, so that this one's outcome is recorded before.
 * @returns undefined where it was cut short before anything came of it
 */
async function lookAndAct<Record extends InventoryRecord>(
  pass: Pass<Record>,
  { inventory, clock, log, onPlanned, aroundStep = unobserved }: ReconcileContext,
  signal: AbortSignal,
): Promise<Result<Record> | undefined> {
  const { key } = pass.record
  const whole = wholeKeyOf(pass.record.declaration)
  const steps: Omit<PastStep, 'times'>[] = []
  let { record } = pass
  let verdict: Verdict | undefined
  for (;;) {
    const stored = inventory.get(key)
    let begun: Pick<PastStep, 'step' | 'why'> | undefined
    try {
      const decision =
        planSuspension(inventory.orders(key), whole === undefined ? {} : inventory.orders(whole)) ??
        (await pass.decide(record))
      const { step, againAfterMs } = decision
      verdict = decision.verdict
      if (step === undefined) {
        if (verdict.state === 'ready') record = pass.settle(record)
        return {
          record,
          verdict,
          outcome: againAfterMs === undefined ? { type: 'done' } : { type: 'again', afterMs: againAfterMs },
          steps,
        }
      }
      if (onPlanned !== undefined) {
        onPlanned(key, decision)
        return { record, verdict: readOnlyVerdict(step, verdict), outcome: { type: 'done' }, steps }
      }
      if (steps.length > 0 && effectOf(step, record).effect !== 'take over') {
        return { record, verdict, outcome: { type: 'again', afterMs: 0 }, steps }
      }
      const why = verdict.message
      log.info({ key, step, reason: verdict.reason, why }, 'step')
      begun = { step, why }
      const after = await aroundStep({ key, step, why }, () => pass.act(step))
      steps.push({ ...begun, atMs: clock.now(), outcome: 'done' })
      if (after === undefined) return { record: after, verdict, outcome: { type: 'done' }, steps }
      record = after
    } catch (error) {
      if (signal.aborted) {
        return verdict && steps.length > 0 ? { record, verdict, outcome: { type: 'done' }, steps } : undefined
      }
      const failure = toOperationError(error)
      const { kind, reason, message } = failure
      if (begun !== undefined) {
        steps.push({ ...begun, atMs: clock.now(), outcome: 'failed', error: message })
        // A step writes its intent before its effect, so what is stored may be newer than what it began with.
        const written = inventory.get(key) as Record | undefined // The key names the kind.
        if (written !== undefined && written !== stored) {
          record = { ...written, declaration: record.declaration }
        }
      }
      const outcome = outcomeOf(failure)
      // What the engine repeats, the engine logs.
      if (outcome.type !== 'failed') log.warn({ key, reason, why: message }, 'pass held up')
      const state = kind === 'permanent' ? 'stalled' : 'waiting'
      return { record, verdict: { state, reason, message }, outcome, steps }
    }
  }
}

async function runPass<Record extends InventoryRecord>(
  pass: Pass<Record>,
  context: ReconcileContext,
  signal: AbortSignal,
  announce: Announce,
): Promise<Outcome> {
  const { key } = pass.record
  const { inventory, clock } = context
  const before = inventory.get(key)
  const result = await lookAndAct(pass, context, signal)
  if (result === undefined) return { type: 'done' }
  const { record: after, verdict, outcome, steps } = result
  if (after === undefined) {
    const left = releasedOf(
      pass.record,
      steps.at(-1)?.step,
      verdict.reason,
      clock.now(),
      inventory.released(),
    )
    if (left !== undefined) await inventory.release(left)
    await inventory.delete(key)
    context.log.info({ key, reason: verdict.reason, why: verdict.message }, 'no longer managed')
    context.onStatus(key)
    return { type: 'done' }
  }
  const status: Status = {
    // What an earlier pass saw stands until a later one sees otherwise.
    ...after.status,
    ...pass.facts(after),
    ...(steps.length === 0 ? {} : { history: steps.reduce(addToHistory, after.status.history ?? []) }),
    conditions: conditionsOf(verdict, after.status.conditions, clock.now()),
  }
  const record = { ...after, status }
  if (!isDeepStrictEqual(record, inventory.get(key))) await inventory.put(record, { isOutcome: true })
  if (!isDeepStrictEqual(status, before?.status)) {
    context.onStatus(key)
  }
  announce(key, verdict, steps.length > 0)
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

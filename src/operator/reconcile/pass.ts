import { isDeepStrictEqual } from 'node:util'
import { unobserved } from '../../lib/around.ts'
import { OperationError, toOperationError } from '../../lib/errors.ts'
import type { Outcome } from '../engine/outcome.ts'
import type { Decision, StepName } from '../plan/decision.ts'
import type { Key } from '../plan/identity.ts'
import { planSuspension } from '../plan/orders.ts'
import { wholeKeyOf } from '../plan/per-alloc.ts'
import { beginRecord } from '../plan/ports.ts'
import {
  contextField,
  type InventoryRecord,
  managedPart,
  type Released,
  type SnapshotRecord,
  storedThing,
} from '../plan/record.ts'
import { addToHistory, conditionsOf, type PastStep, type Status, type Verdict } from '../plan/status.ts'
import { effectOf } from '../plan/step-effect.ts'
import type { ReconcileContext } from './context.ts'
import type { Kind, StepInput } from './kind.ts'

/** What a pass came to, before it is recorded. */
interface Result<Record extends InventoryRecord> {
  /** undefined: management ends. */
  readonly record: Record | undefined
  readonly verdict: Verdict
  readonly outcome: Outcome
  /** In the order in which they were taken. */
  readonly steps: readonly Omit<PastStep, 'times'>[]
  /** What the status shows beside the conditions. */
  readonly shown: Partial<Status>
}

/**
 * A pass over one identity of one kind, recorded.
 * @param told the identities whose status the log told in the life of this process
 */
export async function runPass<Record extends InventoryRecord, Seen, Planned extends Decision>(
  kind: Kind<Record, Seen, Planned>,
  context: ReconcileContext,
  key: Key,
  signal: AbortSignal,
  told: Set<Key>,
): Promise<Outcome> {
  const begun = kind.begin(key)
  const result = await lookAndAct(kind, context, begun, signal)
  return result === undefined ? { type: 'done' } : record(context, begun, result, told)
}

/**
 * Looks and acts until nothing is left to do at once. After the first step only what it led to is taken over: what
 * else there is to change waits for the next pass, so that this one's outcome is recorded before. A pass that met its
 * time limit failed.
 * @returns undefined where the process ends before anything came of it
 */
async function lookAndAct<Record extends InventoryRecord, Seen, Planned extends Decision>(
  kind: Kind<Record, Seen, Planned>,
  context: ReconcileContext,
  begun: Record,
  signal: AbortSignal,
): Promise<Result<Record> | undefined> {
  const { inventory, clock, log, onPlanned, aroundStep = unobserved } = context
  const { key } = begun
  const whole = wholeKeyOf(begun.declaration)
  const steps: Omit<PastStep, 'times'>[] = []
  let record = begun
  let seen: Seen | undefined
  let planned: Planned | undefined
  const result = (
    verdict: Verdict,
    outcome: Outcome,
    after: Record | undefined = record,
  ): Result<Record> => ({
    record: after,
    verdict,
    outcome,
    steps,
    shown: after === undefined ? {} : kind.present(after, seen, planned),
  })
  for (;;) {
    let step: StepName | undefined
    try {
      const suspended = planSuspension(
        inventory.orders(key),
        whole === undefined ? {} : inventory.orders(whole),
      )
      if (suspended !== undefined) return result(suspended.verdict, { type: 'done' })
      signal.throwIfAborted()
      seen = await kind.gather(record)
      planned = kind.plan(record, seen, clock.now())
      const { verdict, againAfterMs } = planned
      step = planned.step
      if (step === undefined) {
        if (verdict.state === 'ready') record = kind.asDeclared(record, seen)
        return result(
          verdict,
          againAfterMs === undefined ? { type: 'done' } : { type: 'again', afterMs: againAfterMs },
        )
      }
      if (onPlanned !== undefined) {
        onPlanned(key, planned)
        return result(readOnlyVerdict(step, verdict), { type: 'done' })
      }
      if (steps.length > 0 && effectOf(step, record).effect !== 'take over') {
        return result(verdict, { type: 'again', afterMs: 0 })
      }
      const why = verdict.message
      log.info({ key, step, reason: verdict.reason, why }, 'step')
      const begin = (snapshot: SnapshotRecord) => beginRecord(inventory, snapshot)
      const input = { context: { ...context, begin }, record, before: record, seen, planned, signal }
      const name = step
      const after = await aroundStep({ key, step, why }, () => takeStep(kind, context, name, input))
      steps.push({ step, why, atMs: clock.now(), outcome: 'done' })
      if (after === undefined) return { record: after, verdict, outcome: { type: 'done' }, steps, shown: {} }
      record = after
    } catch (error) {
      if (error instanceof StepFailed) record = error.record as Record // Of this pass's own step.
      const timeLimit = signal.reason instanceof OperationError ? signal.reason : undefined
      if (signal.aborted && timeLimit === undefined) {
        // The process ends: what came of the pass by now is recorded, and nothing of its end.
        return planned !== undefined && steps.length > 0
          ? result(planned.verdict, { type: 'done' })
          : undefined
      }
      const failure = timeLimit ?? toOperationError(error)
      const { kind: errorKind, reason, message } = failure
      if (step !== undefined) {
        const why = planned?.verdict.message ?? ''
        steps.push({ step, why, atMs: clock.now(), outcome: 'failed', error: message })
      }
      const outcome = outcomeOf(failure)
      // What the engine repeats, the engine logs.
      if (outcome.type !== 'failed') log.warn({ key, reason, why: message }, 'pass held up')
      return result({ state: errorKind === 'permanent' ? 'stalled' : 'waiting', reason, message }, outcome)
    }
  }
}

/** Carries `record`, as it is stored by then, to whoever records the pass. */
class StepFailed extends Error {
  readonly record: InventoryRecord
  constructor(record: InventoryRecord, cause: OperationError) {
    super(cause.message, { cause })
    this.record = record
  }
}

/** Stores the intention, acts, and stores what is left of it where that failed. @throws StepFailed */
async function takeStep<Record extends InventoryRecord, Seen, Planned extends Decision>(
  kind: Kind<Record, Seen, Planned>,
  { inventory }: ReconcileContext,
  name: StepName,
  input: StepInput<Record, Seen, Planned>,
): Promise<Record | undefined> {
  const step = kind.steps[name]
  if (step === undefined) throw new Error(`a ${input.record.kind} has no step ${name}`)
  const before = input.record
  const intended = step.intend?.(input) ?? before
  if (intended !== before) await inventory.put(managedPart(intended))
  const acting = { ...input, record: intended }
  try {
    return await step.act(acting)
  } catch (error) {
    const failure = toOperationError(error)
    const after = (await step.afterFailure?.(acting, failure)) ?? { record: intended }
    if (after.record !== intended) await inventory.put(managedPart(after.record))
    throw new StepFailed(after.record, after.error ?? failure)
  }
}

async function record<Record extends InventoryRecord>(
  { inventory, clock, log, onStatus }: ReconcileContext,
  begun: Record,
  { record: after, verdict, outcome, steps, shown }: Result<Record>,
  told: Set<Key>,
): Promise<Outcome> {
  const { key } = begun
  const before = inventory.get(key)
  if (after === undefined) {
    const left = releasedOf(begun, steps.at(-1)?.step, verdict.reason, clock.now(), inventory.released())
    if (left !== undefined) await inventory.release(left)
    await inventory.delete(key)
    told.delete(key)
    log.info({ key, reason: verdict.reason, why: verdict.message }, 'no longer managed')
    onStatus(key)
    return { type: 'done' }
  }
  const { object } = after.declaration.place
  const status: Status = {
    // What an earlier pass saw stands until a later one sees otherwise.
    ...after.status,
    ...shown,
    ...(steps.length === 0 ? {} : { history: steps.reduce(addToHistory, after.status.history ?? []) }),
    conditions: conditionsOf(verdict, after.status.conditions, clock.now()),
  }
  const managed = managedPart({ ...after, status, ...(object === undefined ? {} : { observed: object }) })
  const isSame = before !== undefined && isDeepStrictEqual(managed, managedPart(before))
  if (!isSame) await inventory.put(managed, { isOutcome: true })
  if (!isDeepStrictEqual(status, before?.status)) onStatus(key)
  // Of what is about to be done the log tells by its step.
  const isNews = steps.length > 0 || !told.has(key) || saidOf(status) !== saidOf(before?.status)
  told.add(key)
  if (isNews && verdict.state !== 'working') {
    const { state, reason, message } = verdict
    log.info({ key, state, reason, why: message }, 'status')
  }
  return outcome
}

function saidOf(status: Status | undefined): string {
  const [ready] = status?.conditions ?? []
  return `${ready?.status} ${ready?.reason}: ${ready?.message}`
}

function readOnlyVerdict(step: string, { message }: Verdict): Verdict {
  return { state: 'waiting', reason: 'ReadOnly', message: `would take the step ${step}: ${message}` }
}

/** What stays behind of a management that ends, or the name that it used up; undefined where there is neither. */
function releasedOf(
  record: InventoryRecord,
  step: string | undefined,
  reason: string,
  atMs: number,
  before: readonly Released[],
): Released | undefined {
  if (step !== 'release' || record.kind === 'SnapshotSchedule') return undefined
  const { key, csiName, incarnation } = record
  const { pluginID = '', externalID = '' } = storedThing(record)
  // What was left behind once and taken back since is there no more, and nobody may look for it.
  const wasLeft = before.some((left) => left.key === key && left.externalID === externalID)
  if (externalID !== '' && (reason !== 'Deleted' || wasLeft)) {
    const identity = record.kind === 'Volume' ? { csiName, ...contextField(undefined, record.context) } : {}
    return { key, pluginID, externalID, reason, atMs, incarnation, ...identity }
  }
  // The name of what a schedule made has its time in it, and is never chosen again.
  const isUsed = reason !== 'NeverCreated' && record.schedule === undefined
  return isUsed ? { key, pluginID, externalID: '', reason, atMs, incarnation } : undefined
}

function outcomeOf(failure: OperationError): Outcome {
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

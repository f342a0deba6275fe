import { isDeepStrictEqual } from 'node:util'
import { unobserved } from '../../lib/around.ts'
import { OperationError, toOperationError } from '../../lib/errors.ts'
import type { Absence } from '../desired/absence.ts'
import type { Outcome } from '../engine/outcome.ts'
import type { Decision, StepName } from '../plan/decision.ts'
import type { Key } from '../plan/identity.ts'
import { planSuspension } from '../plan/orders.ts'
import { wholeKeyOf } from '../plan/per-alloc.ts'
import { beginRecord } from '../plan/ports.ts'
import {
  contextField,
  type InventoryRecord,
  type ManagedPart,
  managedPart,
  type SnapshotRecord,
  storedThing,
} from '../plan/record.ts'
import type { Released } from '../plan/released.ts'
import {
  addToHistory,
  conditionsOf,
  obstacleOf,
  type PastStep,
  type Status,
  type Verdict,
} from '../plan/status.ts'
import { effectOf } from '../plan/step-effect.ts'
import type { ReconcileContext } from './context.ts'
import type { Kind, StepInput } from './kind.ts'

/** A declaration whose removal is in doubt stays in force, and people hear of the doubt. */
function inDoubt(verdict: Verdict, absence: Absence | undefined): Verdict {
  if (verdict.state !== 'ready' || absence?.state !== 'held') return verdict
  return { state: 'suspended', reason: absence.reason, message: absence.message }
}

/** The result of a pass, before it is stored. */
interface Result<Record extends InventoryRecord> {
  /** undefined: management ends. */
  readonly record: Record | undefined
  readonly verdict: Verdict
  readonly outcome: Outcome
  /** The steps taken, in order. */
  readonly steps: readonly Omit<PastStep, 'times'>[]
  /** The status without the conditions. */
  readonly shown: Partial<Status>
}

/** What the passes of one process remember between them. */
export interface PassMemory {
  /** Identities whose status this process has already logged. */
  readonly logged: Set<Key>
  /** Outcomes that the inventory did not take. */
  readonly unstored: Map<Key, ManagedPart>
}

/**
 * Runs a pass over one identity and stores its result. If the inventory does not take it, the next pass stores it before
 * anything else: otherwise each event would lead to the same call once more, for as long as the store is full.
 */
export async function runPass<Record extends InventoryRecord, Seen, Planned extends Decision>(
  kind: Kind<Record, Seen, Planned>,
  context: ReconcileContext,
  key: Key,
  signal: AbortSignal,
  memory: PassMemory,
): Promise<Outcome> {
  const left = memory.unstored.get(key)
  if (left !== undefined) {
    await context.inventory.put(left, { isOutcome: true })
    memory.unstored.delete(key)
  }
  const begun = kind.begin(key)
  const result = await lookAndAct(kind, context, begun, signal)
  return result === undefined ? { type: 'done' } : record(context, begun, result, memory)
}

/**
 * Reads, decides and takes one step, then reads again. After the first step it only takes steps that adopt the result;
 * other changes wait for the next pass, so that this step is stored first. A pass that exceeds its time limit fails.
 * @returns undefined if a shutdown interrupted it before it changed anything
 */
async function lookAndAct<Record extends InventoryRecord, Seen, Planned extends Decision>(
  kind: Kind<Record, Seen, Planned>,
  context: ReconcileContext,
  begun: Record,
  signal: AbortSignal,
): Promise<Result<Record> | undefined> {
  const { inventory, clock, time, log, onPlanned, aroundStep = unobserved } = context
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
      planned = kind.plan(record, seen, time())
      const { verdict, againAfterMs } = planned
      step = planned.step
      if (step === undefined) {
        if (verdict.state === 'ready') record = kind.asDeclared(record, seen)
        return result(
          inDoubt(verdict, context.desired.absence(key)),
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
        // Shutdown: store the steps taken so far, but not the interruption.
        return planned !== undefined && steps.length > 0
          ? result(planned.verdict, { type: 'done' })
          : undefined
      }
      const failure = timeLimit ?? toOperationError(error)
      const { reason, message } = failure
      if (step !== undefined) {
        const why = planned?.verdict.message ?? ''
        steps.push({ step, why, atMs: clock.now(), outcome: 'failed', error: message })
      }
      const outcome = outcomeOf(failure)
      // The controller logs the failures that it retries.
      if (outcome.type !== 'failed') log.warn({ key, reason, why: message }, 'pass stopped by an error')
      return result(obstacleOf(failure), outcome)
    }
  }
}

/** Carries the stored record of a failed step to the end of the pass. */
class StepFailed extends Error {
  readonly record: InventoryRecord
  constructor(record: InventoryRecord, cause: OperationError) {
    super(cause.message, { cause })
    this.record = record
  }
}

/** Stores what the step intends, then acts. After a failure, stores what is left of it. @throws StepFailed */
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
    let after: { readonly record: Record; readonly error?: OperationError } = { record: intended }
    try {
      after = (await step.afterFailure?.(acting, failure)) ?? after
      if (after.record !== intended) await inventory.put(managedPart(after.record))
    } catch (notStored) {
      // What was intended has been sent. The end of the pass must not put the record from before it in its place.
      throw new StepFailed(after.record, toOperationError(notStored))
    }
    throw new StepFailed(after.record, after.error ?? failure)
  }
}

async function record<Record extends InventoryRecord>(
  { inventory, clock, log, onStatus }: ReconcileContext,
  begun: Record,
  { record: after, verdict, outcome, steps, shown }: Result<Record>,
  { logged, unstored }: PassMemory,
): Promise<Outcome> {
  const { key } = begun
  const before = inventory.get(key)
  if (after === undefined) {
    const left = releasedOf(
      begun,
      steps.at(-1)?.step,
      verdict.reason,
      clock.now(),
      inventory.findReleased('key', key),
    )
    if (left !== undefined) await inventory.release(left)
    await inventory.delete(key)
    logged.delete(key)
    log.info({ key, reason: verdict.reason, why: verdict.message }, 'no longer managed')
    onStatus(key)
    return { type: 'done' }
  }
  const { object } = after.declaration.place
  const status: Status = {
    // Values that this pass did not read stay as they were.
    ...after.status,
    ...shown,
    ...(steps.length === 0 ? {} : { history: steps.reduce(addToHistory, after.status.history ?? []) }),
    conditions: conditionsOf(verdict, after.status.conditions, clock.now()),
  }
  const managed = managedPart({ ...after, status, ...(object === undefined ? {} : { observed: object }) })
  const isSame = before !== undefined && isDeepStrictEqual(managed, managedPart(before))
  if (!isSame) {
    if (steps.length > 0) unstored.set(key, managed)
    await inventory.put(managed, { isOutcome: true })
    unstored.delete(key)
  }
  if (!isDeepStrictEqual(status, before?.status)) onStatus(key)
  // A step has its own log line.
  const isNews = steps.length > 0 || !logged.has(key) || readyText(status) !== readyText(before?.status)
  logged.add(key)
  if (isNews && verdict.state !== 'working') {
    const { state, reason, message } = verdict
    log.info({ key, state, reason, why: message }, 'status')
  }
  return outcome
}

function readyText(status: Status | undefined): string {
  const [ready] = status?.conditions ?? []
  return `${ready?.status} ${ready?.reason}: ${ready?.message}`
}

function readOnlyVerdict(step: string, { message }: Verdict): Verdict {
  return { state: 'waiting', reason: 'ReadOnly', message: `would take the step ${step}: ${message}` }
}

/** What stays behind when the management ends, or the name that it used; undefined if there is neither. */
function releasedOf(
  record: InventoryRecord,
  step: string | undefined,
  verdictReason: string,
  atMs: number,
  before: readonly Released[],
): Released | undefined {
  if (record.kind === 'SnapshotSchedule') return undefined
  const isDeleted = step === 'delete-snapshot' || step === 'delete-host-volume'
  if (step !== 'release' && !isDeleted) return undefined
  const reason = isDeleted ? 'Deleted' : verdictReason
  const { key, csiName, incarnation } = record
  const { pluginID = '', externalID = '' } = storedThing(record)
  // An earlier entry must be replaced by `Deleted`, so that nobody looks for the volume.
  const wasLeft = before.some((left) => left.key === key && left.externalID === externalID)
  if (externalID !== '' && (reason !== 'Deleted' || wasLeft)) {
    const identity = record.kind === 'Volume' ? { csiName, ...contextField(undefined, record.context) } : {}
    return { key, pluginID, externalID, reason, atMs, incarnation, ...identity }
  }
  // The name of a schedule's snapshot contains its time, so it is never chosen again.
  const wasAsked = record.kind === 'Snapshot' && record.firstAskedMs !== undefined
  const isUsed = (reason !== 'NeverCreated' || wasAsked) && record.schedule === undefined
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

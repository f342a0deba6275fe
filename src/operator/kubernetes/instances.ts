import type { ObjectIdentity, VolumeDeclaration } from '../declare/declaration.ts'
import type { VolumeStatus } from '../declare/object-status.ts'
import type { Refusal } from '../desired/ownership.ts'
import { keyOf } from '../plan/identity.ts'
import { expandPerAlloc, familyOf } from '../plan/per-alloc.ts'
import type { Inventory } from '../plan/ports.ts'
import type { VolumeRecord } from '../plan/record.ts'
import { type Condition, conditionsOf, summariseConditions } from '../plan/status.ts'
import {
  lastStepOf,
  type ObjectStatus,
  ordersHandled,
  presentConditions,
  previousConditions,
  volumeFacts,
} from './status.ts'

/** One volume of an object with perAlloc. */
export interface InstancePart {
  readonly declaration: VolumeDeclaration
  /** false where the count is now too low for it. */
  readonly isDeclared: boolean
  /** undefined where it has no record yet. */
  readonly record: VolumeRecord | undefined
  /** Set where its declaration was refused. */
  readonly refusal: Pick<Refusal, 'reason' | 'message'> | undefined
}

/** The volumes of an object with perAlloc, by index: those that it declares, and others that are still managed. */
export function instancesOf(
  whole: VolumeDeclaration,
  uid: string | undefined,
  inventory: Pick<Inventory, 'find'>,
  refusals: readonly Refusal[],
): InstancePart[] {
  const declared = expandPerAlloc(whole).filter((each) => each.kind === 'Volume')
  const [first = whole] = declared
  const managed = new Map(
    (uid === undefined ? [] : inventory.find('object', uid)).flatMap((record) =>
      record.kind === 'Volume' && familyOf(record.declaration) === familyOf(first)
        ? [[record.key, record] as const]
        : [],
    ),
  )
  const own = refusals.filter(({ declaration }) => declaration.place.object?.uid === uid)
  const parts = declared.map((declaration): InstancePart => {
    const key = keyOf(declaration)
    const record = managed.get(key)
    managed.delete(key)
    return { declaration, isDeclared: true, record, refusal: own.find((each) => each.key === key) }
  })
  const leftOut = [...managed.values()].map(
    (record): InstancePart => ({
      declaration: record.declaration,
      isDeclared: false,
      record,
      refusal: undefined,
    }),
  )
  return [...parts, ...leftOut].sort((one, other) => indexOf(one) - indexOf(other))
}

/**
 * The status of an object with perAlloc: a row for each volume, and the conditions of the volume that is furthest from ready.
 * @param current the object from the last reading
 * @param before its current status
 */
export function statusOfInstances(
  whole: VolumeDeclaration,
  parts: readonly InstancePart[],
  current: ObjectIdentity | undefined,
  before: ObjectStatus,
  nowMs: number,
): VolumeStatus {
  const previous = before as VolumeStatus
  const looked = lookedAt(parts, current)
  const observedGeneration = looked?.generation ?? previous.observedGeneration
  const lastHandledReconcileAt = looked === undefined ? previous.lastHandledReconcileAt : looked.reconcileAt
  const [latest] = parts
    .flatMap(({ declaration, record }) => {
      const [last] = record?.status.history ?? []
      return last === undefined ? [] : [{ ...last, why: `${declaration.spec.volumeID}: ${last.why}` }]
    })
    .sort((one, other) => other.atMs - one.atMs)
  const unreadable = [...new Set(parts.flatMap(({ record }) => record?.status.unreadable ?? []))].sort()
  const conditions = summariseConditions(
    parts.map((part) => ({
      name: part.declaration.spec.volumeID,
      conditions: conditionsOfPart(part, nowMs),
    })),
  )
  return {
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
    ...(lastHandledReconcileAt === undefined ? {} : { lastHandledReconcileAt }),
    ...ordersHandled(before),
    conditions: presentConditions(keepTimes(conditions, before, nowMs), observedGeneration),
    namespace: whole.spec.namespace,
    volumeID: whole.spec.volumeID,
    ...(latest === undefined ? {} : { lastStep: lastStepOf(latest) }),
    ...(unreadable.length === 0 ? {} : { unreadable }),
    instances: parts.map((part) => rowOf(part, nowMs)),
  }
}

function rowOf(part: InstancePart, nowMs: number): NonNullable<VolumeStatus['instances']>[number] {
  const { declaration, record } = part
  const ready = conditionsOfPart(part, nowMs).find(({ type }) => type === 'Ready')
  return {
    index: indexOf(part),
    ready: ready?.status ?? 'Unknown',
    reason: ready?.reason ?? 'New',
    ...(ready === undefined || ready.message === '' ? {} : { message: ready.message }),
    ...(record === undefined ? { volumeID: declaration.spec.volumeID } : volumeFacts(record)),
  }
}

function conditionsOfPart({ record, refusal }: InstancePart, nowMs: number): readonly Condition[] {
  return refusal === undefined
    ? (record?.status.conditions ?? [])
    : conditionsOf({ state: 'stalled', ...refusal }, [], nowMs)
}

/** The oldest state of the object that a pass of all its volumes has seen; undefined where one had no pass yet. */
function lookedAt(
  parts: readonly InstancePart[],
  current: ObjectIdentity | undefined,
): ObjectIdentity | undefined {
  const states = parts
    .filter(({ isDeclared }) => isDeclared)
    .map(({ record, refusal }) => (refusal === undefined ? record?.observed : current))
  const [oldest] = states
    .filter((state) => state !== undefined)
    .sort((one, other) => one.generation - other.generation)
  if (states.includes(undefined) || oldest === undefined) return undefined
  const isAsked = states.every((state) => state?.reconcileAt === oldest.reconcileAt)
  return isAsked ? oldest : undefined
}

/** The conditions may now come from another volume. Their times change only where the status changes. */
function keepTimes(conditions: readonly Condition[], before: ObjectStatus, nowMs: number): Condition[] {
  const previous = previousConditions(before)
  return conditions.map((condition) => {
    const same = previous.find(({ type, status }) => type === condition.type && status === condition.status)
    return { ...condition, lastTransitionMs: same?.lastTransitionMs ?? nowMs }
  })
}

function indexOf({ declaration }: InstancePart): number {
  return declaration.instance?.index ?? 0
}

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
  /** Whether the count reaches it. */
  readonly isDeclared: boolean
  /** undefined: nothing is managed for it yet. */
  readonly record: VolumeRecord | undefined
  /** Set where something else stands in its way. */
  readonly refusal: Pick<Refusal, 'reason' | 'message'> | undefined
}

/** The volumes of an object with perAlloc, by index: those that it declares, and those that are managed still. */
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
 * What the status of an object with perAlloc says: a row for each of its volumes, and the conditions of the one
 * that is furthest from ready.
 * @param current the object as it was read last
 * @param before its status as it is
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

/** The oldest state of the object that all of its volumes were looked at with; undefined where one was not yet. */
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

/** The volume that speaks may be another one: times move only where the status of the whole does. */
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

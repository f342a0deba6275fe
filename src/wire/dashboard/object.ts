import Type from 'typebox'
import { Action, ActivityEntry, Giver, literals, ObjectReference, ReasonExplanation, Time } from './common.ts'
import { ObjectRow } from './objects.ts'
import { ScheduleRow } from './schedules.ts'

/** A field of the declaration beside what there is. */
export const ComparedField = Type.Object({
  /** Such as `spec.capacity.min`. */
  field: Type.String(),
  /** Absent: it is not declared. */
  declared: Type.Optional(Type.String()),
  /** Absent: nobody shows it. */
  actual: Type.Optional(Type.String()),
  /**
   * `same`, `differs`; `hidden`: Nomad never shows it, so only what Mooring applied is known; `undeclared`: it is as it
   * is, and nothing declares it; `unknown`: it could not be read.
   */
  result: literals('same', 'differs', 'hidden', 'undeclared', 'unknown'),
})
export type ComparedField = Type.Static<typeof ComparedField>

export const ObjectConditionShown = Type.Object({
  type: Type.String(),
  status: Type.String(),
  reason: Type.String(),
  message: Type.String(),
  lastTransitionTime: Time,
})

/** One snapshot of a volume. */
export const VolumeSnapshot = Type.Object({
  object: ObjectReference,
  snapshotID: Type.Optional(Type.String()),
  state: Type.String(),
  reason: Type.String(),
  message: Type.String(),
  /** When its plugin took it; before that, when it was scheduled. */
  time: Type.Optional(Time),
  sizeBytes: Type.Optional(Type.Number()),
  /** The key of the schedule that made it; absent: a declaration did. */
  schedule: Type.Optional(Type.String()),
  isKeptByHand: Type.Boolean(),
  /** The rules that keep it, such as `keepDaily`; empty: none does. */
  keptBy: Type.Array(Type.String()),
  /** Why it stays or when it goes, in a sentence. */
  fate: Type.String(),
  /** When retention ends it if all runs of its schedule succeed; absent: never, or not known. */
  goesAt: Type.Optional(Time),
  actions: Type.Array(Action),
})
export type VolumeSnapshot = Type.Static<typeof VolumeSnapshot>

/** `GET /api/object?key=…&cluster=…` */
export const ObjectDetail = Type.Object({
  row: ObjectRow,
  /** What state it is in, in a sentence. */
  sentence: Type.String(),
  explanation: Type.Optional(ReasonExplanation),
  conditions: Type.Array(ObjectConditionShown),
  actions: Type.Array(Action),
  declared: Type.Object({
    source: Type.String(),
    /** Beneath the source; empty: the source is the file. */
    file: Type.String(),
    line: Type.Integer(),
    column: Type.Integer(),
    commit: Type.Optional(Type.String()),
    /** The declaration with its defaults, to copy. Secrets are references. */
    yaml: Type.String(),
  }),
  fields: Type.Array(ComparedField),
  /** Why what there is could not be read just now. */
  unread: Type.Optional(Type.String()),
  csiName: Type.Optional(Type.String()),
  incarnation: Type.Integer(),
  claims: Type.Array(Type.Object({ allocation: Type.String(), node: Type.Optional(Type.String()) })),
  /** Nomad nodes with a claim, or to which the plugin lists the volume as published. */
  nodes: Type.Array(Type.String()),
  /** A call was sent whose answer is not known. */
  unsettledSince: Type.Optional(Time),
  restoring: Type.Optional(Type.Object({ from: Type.String(), calledOff: Type.Optional(Type.String()) })),
  lastRestore: Type.Optional(
    Type.Object({ time: Time, from: Type.String(), outcome: Type.String(), message: Type.String() }),
  ),
  /** External volumes that restores put another one in the place of; they are there still. */
  replaced: Type.Array(Type.Object({ externalID: Type.String(), since: Time })),
  /** Of a volume, newest first. */
  snapshots: Type.Array(VolumeSnapshot),
  /** Of a declaration with perAlloc. */
  instances: Type.Array(ObjectRow),
  /** Of an instance: the declaration that it is of. */
  whole: Type.Optional(ObjectReference),
  /** Of a schedule. */
  schedule: Type.Optional(ScheduleRow),
  /** Steps and orders, newest first. */
  history: Type.Array(ActivityEntry),
  orders: Type.Array(
    Type.Object({
      time: Time,
      order: Type.String(),
      message: Type.String(),
      by: Type.Optional(Giver),
    }),
  ),
})
export type ObjectDetail = Type.Static<typeof ObjectDetail>

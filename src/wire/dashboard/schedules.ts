import Type from 'typebox'
import { Action, literals, ObjectReference, ObjectState, Time } from './common.ts'

/** How old the newest good snapshot of a volume may be. */
export const SnapshotGoal = Type.Object({
  maxAgeMs: Type.Integer(),
  /** Where it comes from, such as `schedule nightly: every run on time`. */
  from: Type.String(),
})
export type SnapshotGoal = Type.Static<typeof SnapshotGoal>

/** `GET /api/recoverability`, a row. */
export const Recoverability = Type.Object({
  volume: ObjectReference,
  state: ObjectState,
  pluginID: Type.String(),
  /** The newest snapshot that is ready to use; absent: there is none. */
  newest: Type.Optional(Type.Object({ object: ObjectReference, time: Time })),
  /** How many are ready to use. */
  snapshots: Type.Integer(),
  schedules: Type.Array(ObjectReference),
  goal: Type.Optional(SnapshotGoal),
  /** `missed` is decided when the answer is made: compare with the clock of the page too. `none`: nothing sets a goal. */
  result: literals('met', 'missed', 'never', 'none'),
  /** In a sentence. */
  sentence: Type.String(),
  lastRestore: Type.Optional(Type.Object({ time: Time, outcome: Type.String(), message: Type.String() })),
  /** The last restore that was verified, once restore jobs report them. */
  lastVerified: Type.Optional(Type.Object({ time: Time, durationMs: Type.Integer() })),
})
export type Recoverability = Type.Static<typeof Recoverability>

/** `?` of `GET /api/recoverability` and `GET /api/schedules`. */
export const PageQuery = Type.Object({
  text: Type.Optional(Type.String({ maxLength: 200 })),
  page: Type.Optional(Type.Integer({ minimum: 1, default: 1 })),
  size: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 50 })),
})
export type PageQuery = Type.Static<typeof PageQuery>

/** `GET /api/recoverability`: the worst first. */
export const RecoverabilityPage = Type.Object({
  sentence: Type.String(),
  rows: Type.Array(Recoverability),
  total: Type.Integer(),
  page: Type.Integer(),
  size: Type.Integer(),
})
export type RecoverabilityPage = Type.Static<typeof RecoverabilityPage>

/** A run of a schedule for one volume. */
export const PastRun = Type.Object({
  time: Time,
  /** Absent: of all its volumes. */
  volume: Type.Optional(Type.String()),
  /** `deleted`: by retention, or by a person. */
  outcome: literals('ready', 'in progress', 'failed', 'missed', 'deleted'),
  message: Type.String(),
  /** The key of its snapshot. */
  snapshot: Type.Optional(Type.String()),
})
export type PastRun = Type.Static<typeof PastRun>

export const ScheduleRow = Type.Object({
  object: ObjectReference,
  state: ObjectState,
  reason: Type.String(),
  message: Type.String(),
  /** Cron. */
  schedule: Type.String(),
  timeZone: Type.String(),
  isSuspended: Type.Boolean(),
  /** In a sentence, such as `keeps the last 7 days and the last 4 weeks`. */
  retention: Type.String(),
  /** The next ones, at most 20; empty while it is suspended. */
  nextRuns: Type.Array(Time),
  /** Newest first, at most 200. */
  pastRuns: Type.Array(PastRun),
  /** Each of its volumes, at most 200, the worst first. */
  volumes: Type.Array(
    Type.Object({
      volume: ObjectReference,
      newest: Type.Optional(Time),
      goal: Type.Optional(SnapshotGoal),
      result: literals('met', 'missed', 'never', 'none'),
    }),
  ),
  volumesTotal: Type.Integer(),
  actions: Type.Array(Action),
})
export type ScheduleRow = Type.Static<typeof ScheduleRow>

/** `GET /api/schedules` */
export const SchedulePage = Type.Object({
  rows: Type.Array(ScheduleRow),
  total: Type.Integer(),
  page: Type.Integer(),
  size: Type.Integer(),
})
export type SchedulePage = Type.Static<typeof SchedulePage>

import Type from 'typebox'
import { Action, ActivityEntry, ObjectReference, ObjectState, ReasonExplanation, Time } from './common.ts'

/** How many objects are in each state. */
export const StateCounts = Type.Object({
  total: Type.Integer(),
  Ready: Type.Integer(),
  Reconciling: Type.Integer(),
  Stalled: Type.Integer(),
  Held: Type.Integer(),
  Refused: Type.Integer(),
})
export type StateCounts = Type.Static<typeof StateCounts>

/** Something that only a person can go on with. */
export const Attention = Type.Object({
  /** Absent: it is about a source or the whole operator. */
  object: Type.Optional(ObjectReference),
  /** 1: data are in danger or lost. 2: a declaration cannot be followed. 3: something waits for a person's word. */
  severity: Type.Integer(),
  state: Type.Union([ObjectState, Type.Literal('Invalid')]),
  reason: Type.String(),
  message: Type.String(),
  since: Type.Optional(Time),
  /** `file:line:column`, where the file is what has to be changed. */
  place: Type.Optional(Type.String()),
  explanation: Type.Optional(ReasonExplanation),
  /** The orders that may be the remedy. */
  actions: Type.Array(Action),
})
export type Attention = Type.Static<typeof Attention>

/** Something that is under way. */
export const Progress = Type.Object({
  object: ObjectReference,
  reason: Type.String(),
  message: Type.String(),
  since: Type.Optional(Time),
})
export type Progress = Type.Static<typeof Progress>

export const SourceSummary = Type.Object({
  name: Type.String(),
  cluster: Type.Optional(Type.String()),
  /** When it had the content of its latest complete reading; absent: none was complete yet. */
  lastComplete: Type.Optional(Time),
  /** Whether the latest reading was complete; absent: it was not read yet. */
  isComplete: Type.Optional(Type.Boolean()),
  declarations: Type.Integer(),
  problems: Type.Integer(),
  /** Of a Git repository: the full hash. */
  commit: Type.Optional(Type.String()),
})
export type SourceSummary = Type.Static<typeof SourceSummary>

export const ClusterHealth = Type.Object({
  /** Absent: the Nomad of the operator's own settings. */
  name: Type.Optional(Type.String()),
  address: Type.String(),
  region: Type.Optional(Type.String()),
  isReachable: Type.Boolean(),
  /** Why it is not reachable. */
  message: Type.Optional(Type.String()),
})
export type ClusterHealth = Type.Static<typeof ClusterHealth>

export const PluginHealth = Type.Object({
  id: Type.String(),
  cluster: Type.Optional(Type.String()),
  isHealthy: Type.Boolean(),
  provider: Type.Optional(Type.String()),
  version: Type.Optional(Type.String()),
  controllersHealthy: Type.Integer(),
  controllersExpected: Type.Integer(),
  nodesHealthy: Type.Integer(),
  nodesExpected: Type.Integer(),
  /** How many declared volumes it has. */
  volumes: Type.Integer(),
  message: Type.Optional(Type.String()),
})
export type PluginHealth = Type.Static<typeof PluginHealth>

export const NextSnapshot = Type.Object({
  schedule: ObjectReference,
  time: Time,
  timeZone: Type.String(),
  volumes: Type.Integer(),
})
export type NextSnapshot = Type.Static<typeof NextSnapshot>

/** The operator that answers. */
export const OperatorSummary = Type.Object({
  version: Type.String(),
  /** It observes and plans, and writes nothing. */
  readOnly: Type.Boolean(),
  startTime: Time,
  /** Where replicas share an inventory. */
  replica: Type.Optional(
    Type.Object({
      identity: Type.String(),
      leads: Type.Boolean(),
      leader: Type.Optional(Type.String()),
    }),
  ),
})
export type OperatorSummary = Type.Static<typeof OperatorSummary>

/** `GET /api/overview` */
export const Overview = Type.Object({
  /** `412 of 415 as declared; 3 need you.` */
  sentence: Type.String(),
  counts: StateCounts,
  /** The most serious first; at most 100. */
  needsPerson: Type.Array(Attention),
  needsPersonTotal: Type.Integer(),
  /** At most 50. */
  inProgress: Type.Array(Progress),
  inProgressTotal: Type.Integer(),
  sources: Type.Array(SourceSummary),
  clusters: Type.Array(ClusterHealth),
  plugins: Type.Array(PluginHealth),
  /** The next ones first; at most 20. */
  nextSnapshots: Type.Array(NextSnapshot),
  /** The latest first; at most 20. */
  lately: Type.Array(ActivityEntry),
  operator: OperatorSummary,
})
export type Overview = Type.Static<typeof Overview>

import Type from 'typebox'
import { Action, Difference, literals, ObjectReference, Time } from './common.ts'
import { SourceSummary } from './overview.ts'

/** Something that people have to correct in a source. */
export const SourceProblem = Type.Object({
  source: Type.String(),
  cluster: Type.Optional(Type.String()),
  file: Type.String(),
  /** From 1; 0: the whole file. */
  line: Type.Integer(),
  column: Type.Integer(),
  /** Such as `spec.capacity.min`; empty: the whole document. */
  field: Type.String(),
  message: Type.String(),
  /** `warning`: it has no effect. `refused`: another declaration owns the identity. */
  type: literals('invalid', 'warning', 'refused'),
  /** Absent: the text is not to be had here. A line that may hold a secret is replaced. */
  excerpt: Type.Optional(
    Type.Object({
      /** The number of the first line. */
      firstLine: Type.Integer(),
      lines: Type.Array(Type.String()),
    }),
  ),
})
export type SourceProblem = Type.Static<typeof SourceProblem>

/** A declaration that is missing, and of which Mooring does not believe that a person removed it. */
export const Doubt = Type.Object({
  object: ObjectReference,
  reason: Type.String(),
  message: Type.String(),
  since: Type.Optional(Time),
  /** When it is decided again. */
  until: Type.Optional(Time),
  actions: Type.Array(Action),
})
export type Doubt = Type.Static<typeof Doubt>

/** `GET /api/sources` */
export const Sources = Type.Object({
  sources: Type.Array(SourceSummary),
  /** At most 500. */
  problems: Type.Array(SourceProblem),
  problemsTotal: Type.Integer(),
  /** At most 500. */
  doubts: Type.Array(Doubt),
  doubtsTotal: Type.Integer(),
})
export type Sources = Type.Static<typeof Sources>

/** `POST /api/plan`: exactly one of the two. A folder needs the role operator. */
export const PlanRequest = Type.Object(
  {
    /** YAML documents, as if they were added, or took the place of those of the same identity. */
    documents: Type.Optional(Type.String({ maxLength: 1_000_000 })),
    /** A folder on the operator's machine, or a Git address, as `mooring plan` takes it. */
    folder: Type.Optional(Type.String({ maxLength: 4096 })),
  },
  { additionalProperties: false },
)
export type PlanRequest = Type.Static<typeof PlanRequest>

export const DataRisk = literals('none', 'copies', 'in use', 'destroys data')
export type DataRisk = Type.Static<typeof DataRisk>

export const PlannedChange = Type.Object({
  object: ObjectReference,
  /** `step`: it would be done now. The others say why nothing would be done. */
  result: literals('step', 'waiting', 'stalled', 'held'),
  /** Of a step: its name, such as `create-volume`. */
  step: Type.Optional(Type.String()),
  effect: Type.Optional(literals('make', 'change', 'take over', 'end')),
  risk: DataRisk,
  reason: Type.Optional(Type.String()),
  message: Type.String(),
  differences: Type.Array(Difference),
  place: Type.Optional(Type.String()),
})
export type PlannedChange = Type.Static<typeof PlannedChange>

/** The answer of `POST /api/plan`. */
export const PlanAnswer = Type.Object({
  sentence: Type.String(),
  changes: Type.Array(PlannedChange),
  asDeclared: Type.Integer(),
  /** Why the plan is not whole. */
  problems: Type.Array(SourceProblem),
  failures: Type.Array(Type.String()),
})
export type PlanAnswer = Type.Static<typeof PlanAnswer>

/** Something that nothing declares. */
export const OrphanRow = Type.Object({
  /** `storage`: the plugin has it, and neither Nomad nor a declaration knows it. `nomad`: Nomad has it. `undeclared`: still managed. */
  where: literals('storage', 'nomad', 'undeclared'),
  kind: Type.String(),
  cluster: Type.Optional(Type.String()),
  pluginID: Type.String(),
  externalID: Type.String(),
  namespace: Type.Optional(Type.String()),
  /** The volume ID in Nomad. */
  name: Type.Optional(Type.String()),
  sizeBytes: Type.Optional(Type.Number()),
  /** Since when Mooring no longer manages it, and why. */
  released: Type.Optional(Type.Object({ time: Time, reason: Type.String(), key: Type.String() })),
  message: Type.String(),
  /** The declaration that would adopt it, to copy; absent: nothing would. */
  adopt: Type.Optional(Type.String()),
})
export type OrphanRow = Type.Static<typeof OrphanRow>

/** `GET /api/orphans` */
export const OrphanReport = Type.Object({
  /** When storage was looked at. */
  time: Time,
  rows: Type.Array(OrphanRow),
  /** What could not be read, and why. Where there is something, the rows may not be all. */
  unknown: Type.Array(Type.String()),
})
export type OrphanReport = Type.Static<typeof OrphanReport>

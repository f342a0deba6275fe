import Type from 'typebox'
import { kindNames } from '../../lib/declared-kinds.ts'

/**
 * The JSON of the operator's API for people: the admin socket and the dashboard have the same. Times are RFC 3339 in UTC,
 * durations are in milliseconds. No answer holds the value of a secret.
 */

export const Time = Type.String({ format: 'date-time' })

const literals = <const Values extends readonly string[]>(...values: Values) =>
  Type.Unsafe<Values[number]>({ type: 'string', enum: values })

export const ObjectKind = literals(...kindNames)
export type ObjectKind = Type.Static<typeof ObjectKind>

/**
 * `Ready`: it is as declared. `Reconciling`: work is under way. `Stalled`: a person must act. `Held`: it stays as it is.
 * `Refused`: another declaration owns its identity.
 */
export const ObjectState = literals('Ready', 'Reconciling', 'Stalled', 'Held', 'Refused')
export type ObjectState = Type.Static<typeof ObjectState>

/** Names one declaration or managed identity. */
export const ObjectReference = Type.Object({
  /** `<kind>/<namespace>/<name>`: what an order and `GET /api/object` take. No part has a slash. */
  key: Type.String(),
  kind: ObjectKind,
  /** Of Nomad. */
  namespace: Type.String(),
  /** The volume ID, or the name of a snapshot or schedule. */
  name: Type.String(),
  /** The NomadCluster; absent: the Nomad of the operator's own settings. */
  cluster: Type.Optional(Type.String()),
})
export type ObjectReference = Type.Static<typeof ObjectReference>

/** What a reason of a condition means, as `mooring explain` says it. */
export const ReasonExplanation = Type.Object({
  reason: Type.String(),
  happened: Type.String(),
  /** What it means for the data. */
  data: Type.String(),
  /** What Mooring does by itself. */
  mooring: Type.String(),
  /** What a person can do, each a few sentences. Commands stand between backticks. */
  remedies: Type.Array(Type.String()),
})
export type ReasonExplanation = Type.Static<typeof ReasonExplanation>

/** One value that a person may choose for a field of an order. */
export const Choice = Type.Object({
  value: Type.String(),
  label: Type.String(),
  detail: Type.Optional(Type.String()),
  /** Of a snapshot: when it was taken. */
  time: Type.Optional(Time),
  /** Why it cannot be chosen; absent: it can. */
  refusal: Type.Optional(Type.String()),
})
export type Choice = Type.Static<typeof Choice>

/** What a person can order for an object, or why they cannot. */
export const Action = Type.Object({
  /** Such as `restore`. Unique for its object. */
  id: Type.String(),
  /** For a button, such as `Take a snapshot now`. */
  label: Type.String(),
  /** What it leads to, in one or two sentences. To be read before it is confirmed. */
  consequence: Type.String(),
  /** Why it is not possible now; absent: it is possible. */
  refusal: Type.Optional(Type.String()),
  /** Absent: a plain confirmation is enough. Otherwise what a person has to type. */
  typeToConfirm: Type.Optional(Type.String()),
  /** The body for `POST /api/orders`, without the fields that are still to be chosen. */
  order: Type.Record(Type.String(), Type.String()),
  /** What a person chooses first: each is a field of the order. */
  choices: Type.Optional(
    Type.Array(Type.Object({ field: Type.String(), label: Type.String(), options: Type.Array(Choice) })),
  ),
  /** The same by the command line; a chosen value stands in capital letters. */
  command: Type.String(),
})
export type Action = Type.Static<typeof Action>

/** Who did something, as far as that is known. */
export const Giver = Type.Object({ via: Type.String(), user: Type.Optional(Type.String()) })
export type Giver = Type.Static<typeof Giver>

/** A step that the operator took or tried, or an order that a person gave. */
export const ActivityEntry = Type.Object({
  /** Rises with time within one operator. */
  id: Type.Integer(),
  /** When it ended; of repeated failures, the last one. */
  time: Time,
  type: literals('step', 'order'),
  object: ObjectReference,
  /** The name of the step or order, such as `create-volume` or `restore`. */
  what: Type.String(),
  /** `taken` and `refused` are those of orders. */
  outcome: literals('done', 'failed', 'taken', 'refused'),
  /** Why a step was taken, or what the giver of an order was told. */
  why: Type.String(),
  /** In full. */
  error: Type.Optional(Type.String()),
  durationMs: Type.Optional(Type.Integer()),
  /** How often in a row it ended this way. */
  times: Type.Integer(),
  by: Type.Optional(Giver),
})
export type ActivityEntry = Type.Static<typeof ActivityEntry>

/** A field that is not as declared. */
export const Difference = Type.Object({
  /** Such as `spec.parameters`. */
  field: Type.String(),
  declared: Type.String(),
  actual: Type.String(),
})
export type Difference = Type.Static<typeof Difference>

/** Every failure: 400, 401, 403, 404, 409, 413, 421, 429, 500, 503. */
export const Failure = Type.Object({
  /** What happened, and what to do. */
  message: Type.String(),
})
export type Failure = Type.Static<typeof Failure>

export { literals }

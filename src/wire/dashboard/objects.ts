import Type from 'typebox'
import { literals, ObjectKind, ObjectReference, ObjectState, Time } from './common.ts'

/** One row of the table of declarations. */
export const ObjectRow = Type.Object({
  object: ObjectReference,
  pluginID: Type.String(),
  state: ObjectState,
  reason: Type.String(),
  message: Type.String(),
  /** Since when it is in this state. */
  since: Type.Optional(Time),
  externalID: Type.String(),
  sizeBytes: Type.Optional(Type.Number()),
  /** The source as a person named it. */
  source: Type.String(),
  /** `source/file:line:column`. */
  place: Type.String(),
  labels: Type.Optional(Type.Record(Type.String(), Type.String())),
  /** Of a snapshot: the key of its volume, and when it was taken. */
  volume: Type.Optional(Type.String()),
  createTime: Type.Optional(Time),
  /** Of a snapshot that a schedule made: the key of the schedule. */
  schedule: Type.Optional(Type.String()),
  /** How many allocations claim it. */
  claims: Type.Integer(),
  isSuspended: Type.Boolean(),
  /** Since when no source declares it. */
  missingSince: Type.Optional(Time),
})
export type ObjectRow = Type.Static<typeof ObjectRow>

export const sortFields = ['name', 'kind', 'state', 'plugin', 'since', 'size', 'created'] as const

/** `?` of `GET /api/objects`. A list of values is given by commas; an object matches one of them. */
export const ObjectQuery = Type.Object({
  /** Every word is found in name, ID, external ID, label (`app=web`), namespace, plugin, reason or kind, whatever the case. */
  text: Type.Optional(Type.String({ maxLength: 200 })),
  state: Type.Optional(Type.String()),
  kind: Type.Optional(Type.String()),
  plugin: Type.Optional(Type.String()),
  namespace: Type.Optional(Type.String()),
  /** Names of NomadClusters; an empty name is the operator's own. */
  cluster: Type.Optional(Type.String()),
  source: Type.Optional(Type.String()),
  sort: Type.Optional(literals(...sortFields)),
  descending: Type.Optional(Type.Boolean()),
  /** From 1. */
  page: Type.Optional(Type.Integer({ minimum: 1, default: 1 })),
  size: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 50 })),
})
export type ObjectQuery = Type.Static<typeof ObjectQuery>

/** The values that a filter may take, and how many objects have each; the most frequent first, at most 200. */
export const FilterValues = Type.Array(Type.Object({ value: Type.String(), count: Type.Integer() }))
export type FilterValues = Type.Static<typeof FilterValues>

/** `GET /api/objects` */
export const ObjectPage = Type.Object({
  rows: Type.Array(ObjectRow),
  /** That match. */
  total: Type.Integer(),
  /** Without any filter. */
  all: Type.Integer(),
  page: Type.Integer(),
  size: Type.Integer(),
  /** Over all objects, whatever the filter. */
  filters: Type.Object({
    state: FilterValues,
    kind: FilterValues,
    plugin: FilterValues,
    namespace: FilterValues,
    cluster: FilterValues,
    source: FilterValues,
  }),
})
export type ObjectPage = Type.Static<typeof ObjectPage>

export { ObjectKind }

import Type from 'typebox'
import { ActivityEntry, literals } from './common.ts'

/** `?` of `GET /api/activity`. */
export const ActivityQuery = Type.Object({
  text: Type.Optional(Type.String({ maxLength: 200 })),
  type: Type.Optional(literals('step', 'order')),
  /** By commas: `done`, `failed`, `taken`, `refused`. */
  outcome: Type.Optional(Type.String()),
  kind: Type.Optional(Type.String()),
  cluster: Type.Optional(Type.String()),
  /** Of one object. */
  key: Type.Optional(Type.String()),
  /** Only entries with a lower ID: the `next` of the page before. */
  before: Type.Optional(Type.Integer()),
  size: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 100 })),
})
export type ActivityQuery = Type.Static<typeof ActivityQuery>

/** `GET /api/activity`: newest first. The operator keeps the latest 10,000 entries. */
export const ActivityPage = Type.Object({
  entries: Type.Array(ActivityEntry),
  /** Absent: there are no older ones. */
  next: Type.Optional(Type.Integer()),
})
export type ActivityPage = Type.Static<typeof ActivityPage>

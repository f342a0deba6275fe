import Type, { type Static, type TSchema } from 'typebox'
import { ActivityPage, ActivityQuery } from '../../../wire/dashboard/activity.ts'
import { ObjectDetail } from '../../../wire/dashboard/object.ts'
import { ObjectPage, ObjectQuery } from '../../../wire/dashboard/objects.ts'
import { Overview } from '../../../wire/dashboard/overview.ts'
import { PageQuery, RecoverabilityPage, SchedulePage } from '../../../wire/dashboard/schedules.ts'
import { OrderAnswer, type Role } from '../../../wire/dashboard/session.ts'
import { OrphanReport, PlanAnswer, PlanRequest, Sources } from '../../../wire/dashboard/sources.ts'
import { Order, parseOrder } from '../../orders/order.ts'
import type { OrderGiver } from '../../plan/orders.ts'
import type { Pages } from '../pages/pages.ts'

/** A request that was let in. */
interface Asked<Query, Body> {
  readonly query: Query
  readonly body: Body
  readonly role: Role
  readonly giver: OrderGiver
}

/** One route of the API for people. The socket and the dashboard's server have the same. */
export interface ApiRoute<Query = unknown, Body = unknown> {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly summary: string
  /** The least that a caller needs. */
  readonly role: Role
  readonly query?: TSchema
  readonly body?: TSchema
  readonly answer: TSchema
  /** @returns undefined: there is no such thing */
  run(pages: Pages, asked: Asked<Query, Body>): Promise<object | undefined>
}

/** The caller may not do this. */
export class NotAllowed extends Error {
  override readonly name = 'NotAllowed'
}

const ObjectName = Type.Object({
  /** `<kind>/<namespace>/<name>` */
  key: Type.String({ minLength: 1 }),
  cluster: Type.Optional(Type.String()),
})
const ClusterName = Type.Object({ cluster: Type.Optional(Type.String()) })

/** Ties the schemas of a route to the types that its function is given. */
function route<Query extends TSchema = TSchema, Body extends TSchema = TSchema>(
  given: Omit<ApiRoute, 'run' | 'query' | 'body'> & {
    readonly query?: Query
    readonly body?: Body
    run(pages: Pages, asked: Asked<Static<Query>, Static<Body>>): Promise<object | undefined>
  },
): ApiRoute {
  return given as ApiRoute // The server checks both by these schemas first.
}

export const apiRoutes: readonly ApiRoute[] = [
  route({
    method: 'GET',
    path: '/api/overview',
    summary: 'What state everything is in, and what needs a person.',
    role: 'viewer',
    answer: Overview,
    run: (pages) => pages.overview(),
  }),
  route({
    method: 'GET',
    path: '/api/objects',
    summary: 'The table of declarations: found, filtered, sorted, by pages.',
    role: 'viewer',
    query: ObjectQuery,
    answer: ObjectPage,
    run: (pages, { query }) => pages.objects(query),
  }),
  route({
    method: 'GET',
    path: '/api/object',
    summary: 'One object, with all that is known of it and what can be ordered for it.',
    role: 'viewer',
    query: ObjectName,
    answer: ObjectDetail,
    run: (pages, { query }) => pages.object(query.key, query.cluster),
  }),
  route({
    method: 'GET',
    path: '/api/recoverability',
    summary: 'What each volume could be recovered from, the worst first.',
    role: 'viewer',
    query: PageQuery,
    answer: RecoverabilityPage,
    run: (pages, { query }) => pages.recoverability(query),
  }),
  route({
    method: 'GET',
    path: '/api/schedules',
    summary: 'The schedules with their past and next runs.',
    role: 'viewer',
    query: PageQuery,
    answer: SchedulePage,
    run: (pages, { query }) => pages.schedules(query),
  }),
  route({
    method: 'GET',
    path: '/api/sources',
    summary: 'The sources, what in them cannot be used, and what is in doubt.',
    role: 'viewer',
    answer: Sources,
    run: (pages) => pages.sources(),
  }),
  route({
    method: 'GET',
    path: '/api/orphans',
    summary: 'What nothing declares. It asks the plugins, at most once a minute.',
    role: 'viewer',
    answer: OrphanReport,
    run: (pages) => pages.orphans(),
  }),
  route({
    method: 'GET',
    path: '/api/activity',
    summary: 'The log of steps and orders, newest first.',
    role: 'viewer',
    query: ActivityQuery,
    answer: ActivityPage,
    run: (pages, { query }) => pages.activity(query),
  }),
  route({
    method: 'POST',
    path: '/api/plan',
    summary:
      'What the operator would do with documents or a folder. It changes nothing. A folder needs the role operator.',
    role: 'viewer',
    body: PlanRequest,
    answer: PlanAnswer,
    async run(pages, { body, role }) {
      if (body.folder !== undefined && role !== 'operator')
        throw new NotAllowed(
          'a folder is read from the disk of the operator, so it takes the role operator: log in',
        )
      return pages.plan(body)
    },
  }),
  route({
    method: 'POST',
    path: '/api/orders',
    summary: 'Gives an order, the same as the command of its name.',
    role: 'operator',
    query: ClusterName,
    body: Order,
    answer: OrderAnswer,
    run: async (pages, { query, body, giver }) => ({
      message: await pages.order(parseOrder(body), giver, query.cluster),
    }),
  }),
]

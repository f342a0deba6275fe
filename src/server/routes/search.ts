import Type from 'typebox'
import { listCapabilities } from '../acl/needs.ts'
import type { ServerContext } from '../context.ts'
import { badRequest } from '../errors.ts'
import { type BodyReader, type Resource, takesBody } from '../http/api.ts'
import { readBody } from '../http/decode.ts'
import { parseNamespace } from '../http/read-options.ts'

export const SearchBody = Type.Object({ Prefix: Type.String(), Context: Type.String() })

/** As many IDs as Nomad gives for one context. */
const longestMatch = 20

const searchedTables = ['csi_volumes', 'csi_plugins', 'csi_claims', 'host_volumes', 'namespaces'] as const

/** What Nomad finds too, and this server has none of. */
const emptyContexts = ['jobs', 'evals', 'deployment', 'node_pools', 'scaling_policy', 'vars']

const searchReader: BodyReader<Type.Static<typeof SearchBody>> = {
  read: (bytes, request) => readBody(SearchBody, bytes, request),
}

/** Search: which IDs begin with a prefix, for completion. */
export function searchRoutes({ state }: ServerContext): Resource[] {
  return [
    {
      path: '/v1/search',
      PUT: takesBody(searchReader, ({ query, access }, body) => {
        const { Prefix, Context } = body
        const namespace = parseNamespace(query)
        /** Made one by one, so that a search costs no more than it finds. */
        const ids: Record<string, () => IteratorObject<string>> = {
          volumes: () =>
            state.csi_volumes
              .list()
              .values()
              .filter((volume) => namespace === '*' || volume.namespace === namespace)
              .filter((volume) => access.allows(volume.namespace, ...listCapabilities))
              .map(({ id }) => id),
          host_volumes: () =>
            state.host_volumes
              .list()
              .values()
              .filter((volume) => namespace === '*' || volume.namespace === namespace)
              .filter((volume) => access.allows(volume.namespace, 'host-volume-read'))
              .map(({ id }) => id),
          plugins: () =>
            (access.allowsPlugin('list') ? state.csi_plugins.list() : []).values().map(({ id }) => id),
          namespaces: () =>
            state.namespaces
              .list()
              .values()
              .map(({ name }) => name)
              .filter((name) => access.seesNamespace(name)),
          nodes: () => (access.allowsNodeRead() ? [state.nodeID] : []).values(),
          allocs: () =>
            state.csi_claims
              .list()
              .values()
              .filter((claim) => namespace === '*' || claim.namespace === namespace)
              .filter((claim) => access.allows(claim.namespace, 'read-job'))
              .map(({ id }) => id),
        }
        const isAll = Context === '' || Context === 'all'
        const known = [...Object.keys(ids), ...emptyContexts]
        if (!isAll && !known.includes(Context)) {
          throw badRequest(`context must be one of ${known.join(', ')}, all`)
        }
        const found = (isAll ? Object.keys(ids) : [Context]).map((context) => {
          const all = (Object.hasOwn(ids, context) ? ids[context] : undefined)?.() ?? [].values()
          // One more than are given shows that there are more.
          const first = all.filter((id) => id.startsWith(Prefix)).take(longestMatch + 1)
          return [context, first.toArray()] as const
        })
        const index = Math.max(...searchedTables.map((table) => state.index(table)))
        return {
          body: {
            Matches: Object.fromEntries(found.map(([context, all]) => [context, all.slice(0, longestMatch)])),
            Truncations: Object.fromEntries(
              found.map(([context, all]) => [context, all.length > longestMatch]),
            ),
            Index: index,
            LastContact: 0,
            KnownLeader: true,
            NextToken: '',
          },
          index,
        }
      }),
    },
  ]
}

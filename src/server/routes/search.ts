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

const searchedTables = ['csi_volumes', 'csi_plugins', 'csi_claims', 'namespaces'] as const

/** What Nomad finds too, and this server has none of. */
const emptyContexts = ['jobs', 'evals', 'deployment', 'node_pools', 'scaling_policy', 'vars', 'host_volumes']

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
        const ids: Record<string, () => string[]> = {
          volumes: () =>
            state.csi_volumes
              .list()
              .filter((volume) => namespace === '*' || volume.namespace === namespace)
              .filter((volume) => access.allows(volume.namespace, ...listCapabilities))
              .map(({ id }) => id),
          plugins: () => (access.allowsPlugin('list') ? state.csi_plugins.list().map(({ id }) => id) : []),
          namespaces: () =>
            state.namespaces
              .list()
              .map(({ name }) => name)
              .filter((name) => access.seesNamespace(name)),
          nodes: () => (access.allowsNodeRead() ? [state.nodeID] : []),
          allocs: () =>
            state.csi_claims
              .list()
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
          const all = (Object.hasOwn(ids, context) ? ids[context] : undefined)?.() ?? []
          return [context, all.filter((id) => id.startsWith(Prefix))] as const
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

import Type from 'typebox'
import { listCapabilities } from '../acl/needs.ts'
import type { ServerContext } from '../context.ts'
import { badRequest } from '../errors.ts'
import type { Resource } from '../http/api.ts'
import { decode, parseBody } from '../http/decode.ts'
import { parseNamespace } from '../http/read-options.ts'

const SearchBody = Type.Object({ Prefix: Type.String(), Context: Type.String() })

/** As many IDs as Nomad gives for one context. */
const longestMatch = 20

/** Search: which IDs begin with a prefix, for completion. */
export function searchRoutes({ state }: ServerContext): Resource[] {
  return [
    {
      path: '/v1/search',
      PUT: ({ query, body, access }) => {
        const { Prefix, Context } = decode(SearchBody, parseBody(body))
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
              .filter((claim) => access.allows(claim.namespace, 'read-job'))
              .map(({ id }) => id),
        }
        const contexts = Context === '' || Context === 'all' ? Object.keys(ids) : [Context]
        const found = contexts.map((context) => {
          const all = Object.hasOwn(ids, context) ? ids[context] : undefined
          if (all === undefined)
            throw badRequest(`context must be one of ${Object.keys(ids).join(', ')}, all`)
          return [context, all().filter((id) => id.startsWith(Prefix))] as const
        })
        return {
          body: {
            Matches: Object.fromEntries(found.map(([context, all]) => [context, all.slice(0, longestMatch)])),
            Truncations: Object.fromEntries(
              found.map(([context, all]) => [context, all.length > longestMatch]),
            ),
          },
          index: state.index('csi_volumes'),
        }
      },
    },
  ]
}

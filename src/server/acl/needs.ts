import type { Access } from './access.ts'
import type { NamespaceCapability } from './policy.ts'

/** What the ACL looks at of a request. */
export interface AskedFor {
  readonly access: Access
  /** The named parts of the path. */
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  /** The namespaces that the request is about, by its body or its query. @throws ApiError 400 for a bad body */
  namespaces(): readonly string[]
}

/** What an operation needs, in words, and whether a request has it. */
export interface Need {
  readonly text: string
  isMet(asked: AskedFor): boolean
}

const inNamespaces = (...anyOf: readonly NamespaceCapability[]): Need => ({
  text: anyOf.join(' or '),
  isMet: ({ access, namespaces }) => namespaces().every((namespace) => access.allows(namespace, ...anyOf)),
})
const plugin = (level: 'list' | 'read'): Need => ({
  text: `plugin ${level}`,
  isMet: ({ access }) => access.allowsPlugin(level),
})
const both = (one: Need, other: Need): Need => ({
  text: `(${one.text}) and ${other.text}`,
  isMet: (asked) => one.isMet(asked) && other.isMet(asked),
})

const nothing: Need = { text: 'nothing', isMet: () => true }
/** What is listed is only what the token may see. */
const filtered: Need = { text: 'nothing; what is listed is what the token may see', isMet: () => true }
const management: Need = { text: 'a management token', isMet: ({ access }) => access.isManagement() }
const nodeRead: Need = { text: 'node read', isMet: ({ access }) => access.allowsNodeRead() }
const agentRead: Need = { text: 'agent read', isMet: ({ access }) => access.allowsAgentRead() }

/** Any of these lets one list volumes. */
export const listCapabilities = [
  'csi-list-volume',
  'csi-read-volume',
  'csi-mount-volume',
  'list-jobs',
] as const
/** Any of these lets one look at a volume. */
export const readCapabilities = ['csi-read-volume', 'csi-mount-volume', 'read-job'] as const

const list = inNamespaces(...listCapabilities)
const read = inNamespaces(...readCapabilities)
const readJob = inNamespaces('read-job')
const write = inNamespaces('csi-write-volume')
const mount = inNamespaces('csi-mount-volume')
const writeWithPlugin = both(write, plugin('read'))

/**
 * What each operation needs: as Nomad's (reference, 1.5), but that List External needs csi-write-volume, as the
 * public page says, and Detach takes that too. A POST needs what the PUT needs. An operation that is not here is
 * not served: the server does not start with one.
 */
export const needs: Readonly<Record<string, Need>> = {
  'GET /v1/volumes': {
    text: `${list.text}; with type=host nothing, and what is listed is what the token may see by host-volume-read`,
    isMet: (asked) => asked.query.get('type') === 'host' || list.isMet(asked),
  },
  'PUT /v1/volume/host/create': inNamespaces('host-volume-create'),
  'PUT /v1/volume/host/register': inNamespaces('host-volume-register'),
  'GET /v1/volume/host/:id': inNamespaces('host-volume-read'),
  'DELETE /v1/volume/host/:id': inNamespaces('host-volume-delete'),
  'GET /v1/volumes/claims': inNamespaces('host-volume-read'),
  'PUT /v1/volumes': writeWithPlugin,
  'GET /v1/volume/csi/:id': read,
  'PUT /v1/volume/csi/:id': writeWithPlugin,
  'DELETE /v1/volume/csi/:id': write,
  'PUT /v1/volume/csi/:id/create': writeWithPlugin,
  'DELETE /v1/volume/csi/:id/delete': writeWithPlugin,
  'DELETE /v1/volume/csi/:id/detach': both(
    inNamespaces('csi-write-volume', 'csi-mount-volume'),
    plugin('read'),
  ),
  'GET /v1/volumes/external': write,
  'GET /v1/volumes/snapshot': list,
  'PUT /v1/volumes/snapshot': writeWithPlugin,
  'PUT /v1/volumes/snapshot/:id': writeWithPlugin,
  'PUT /v1/volume/csi/:id/snapshot': writeWithPlugin,
  'DELETE /v1/volumes/snapshot': writeWithPlugin,
  'GET /v1/claims': read,
  'PUT /v1/volume/csi/:id/claim': mount,
  'DELETE /v1/volume/csi/:id/claim/:claim': mount,
  'GET /v1/plugins': plugin('list'),
  'GET /v1/plugin/csi/:id': plugin('read'),
  'GET /v1/namespaces': filtered,
  'PUT /v1/namespaces': management,
  'PUT /v1/namespace': management,
  'GET /v1/namespace/:name': {
    text: 'anything in the namespace',
    isMet: ({ access, params }) => access.seesNamespace(params.name ?? ''),
  },
  'PUT /v1/namespace/:name': management,
  'DELETE /v1/namespace/:name': management,
  'GET /v1/nodes': nodeRead,
  'GET /v1/node/pools': nothing,
  'GET /v1/node/pool/:name': nothing,
  'GET /v1/node/pool/:name/nodes': nodeRead,
  'GET /v1/node/:id': nodeRead,
  'GET /v1/node/:id/allocations': nodeRead,
  'GET /v1/allocations': readJob,
  // Which namespace it is in shows only when it is found; the route looks then.
  'GET /v1/allocation/:id': filtered,
  'PUT /v1/search': filtered,
  'GET /v1/event/stream': {
    text: 'csi-read-volume (CSIVolume), host-volume-read (HostVolume), read-job (CSIPlugin, Allocation), node read (Node); for `*` a management token',
    // What is asked for stands in the query; the stream looks, at each batch again.
    isMet: () => true,
  },
  'GET /v1/agent/self': agentRead,
  'GET /v1/agent/members': nodeRead,
  'GET /v1/agent/servers': agentRead,
  'GET /v1/client/stats': nodeRead,
  'GET /v1/client/metadata': nodeRead,
  'PUT /v1/system/gc': management,
  'PUT /v1/system/reconcile/summaries': management,
  'GET /v1/agent/health': nothing,
  'GET /v1/status/leader': nothing,
  'GET /v1/status/peers': nothing,
  'GET /v1/regions': nothing,
  'GET /v1/openapi.json': nothing,
  // No resource, with any method.
  ...Object.fromEntries(
    ['/v1/volume/csi/:id/:rest', '/v1/volume/csi/:id/:rest/*'].flatMap((path) =>
      ['GET', 'PUT', 'DELETE'].map((method) => [`${method} ${path}`, nothing]),
    ),
  ),
}

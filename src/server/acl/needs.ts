import type { ApiRequest } from '../http/api.ts'
import { parseNamespace } from '../http/read-options.ts'
import { snapshotsNamespace } from '../storage/snapshots-body.ts'
import { parseVolumesBody } from '../volumes/request-body.ts'
import type { NamespaceCapability } from './policy.ts'

/** What a request needs, for people, and whether it has it. A body that cannot be read is an ApiError 400. */
export interface Need {
  readonly text: string
  isMet(request: ApiRequest): boolean
}

type Namespaces = (request: ApiRequest) => readonly string[]

const ofQuery: Namespaces = ({ query }) => [parseNamespace(query)]
const ofVolumes: Namespaces = ({ body, query }) =>
  parseVolumesBody(body, query).map(({ Namespace }) => Namespace)
const ofSnapshots: Namespaces = ({ body, query }) => [snapshotsNamespace(body, query)]

const inNamespaces = (namespaces: Namespaces, ...anyOf: readonly NamespaceCapability[]): Need => ({
  text: anyOf.join(' or '),
  isMet: (request) => namespaces(request).every((namespace) => request.access.allows(namespace, ...anyOf)),
})
const plugin = (level: 'list' | 'read'): Need => ({
  text: `plugin ${level}`,
  isMet: ({ access }) => access.allowsPlugin(level),
})
const both = (one: Need, other: Need): Need => ({
  text: `(${one.text}) and ${other.text}`,
  isMet: (request) => one.isMet(request) && other.isMet(request),
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

const list = inNamespaces(ofQuery, ...listCapabilities)
const read = inNamespaces(ofQuery, ...readCapabilities)
const readJob = inNamespaces(ofQuery, 'read-job')
const write = inNamespaces(ofQuery, 'csi-write-volume')
const mount = inNamespaces(ofQuery, 'csi-mount-volume')
const define = both(inNamespaces(ofVolumes, 'csi-write-volume'), plugin('read'))
const snapshot = both(inNamespaces(ofSnapshots, 'csi-write-volume'), plugin('read'))

/**
 * What each operation needs: as Nomad's (reference, 1.5), but that List External needs csi-write-volume, as the
 * public page says, and Detach takes that too. A POST needs what the PUT needs. An operation that is not here is
 * not served: the server does not start with one.
 */
export const needs: Readonly<Record<string, Need>> = {
  'GET /v1/volumes': list,
  'PUT /v1/volumes': define,
  'GET /v1/volume/csi/:id': read,
  'PUT /v1/volume/csi/:id': define,
  'DELETE /v1/volume/csi/:id': write,
  'PUT /v1/volume/csi/:id/create': define,
  'DELETE /v1/volume/csi/:id/delete': both(write, plugin('read')),
  'DELETE /v1/volume/csi/:id/detach': both(
    inNamespaces(ofQuery, 'csi-write-volume', 'csi-mount-volume'),
    plugin('read'),
  ),
  'GET /v1/volumes/external': write,
  'GET /v1/volumes/snapshot': list,
  'PUT /v1/volumes/snapshot': snapshot,
  'PUT /v1/volumes/snapshot/:id': snapshot,
  'PUT /v1/volume/csi/:id/snapshot': snapshot,
  'DELETE /v1/volumes/snapshot': both(write, plugin('read')),
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
  'GET /v1/node/:id': nodeRead,
  'GET /v1/node/:id/allocations': nodeRead,
  'GET /v1/allocations': readJob,
  // Which namespace it is in shows only when it is found; the route looks then.
  'GET /v1/allocation/:id': filtered,
  'PUT /v1/search': filtered,
  'GET /v1/agent/self': agentRead,
  'GET /v1/agent/members': nodeRead,
  'GET /v1/agent/health': nothing,
  'GET /v1/status/leader': nothing,
  'GET /v1/status/peers': nothing,
  'GET /v1/regions': nothing,
  // No resource, with any method.
  ...Object.fromEntries(
    ['/v1/volume/csi/:id/:rest', '/v1/volume/csi/:id/:rest/*'].flatMap((path) =>
      ['GET', 'PUT', 'DELETE'].map((method) => [`${method} ${path}`, nothing]),
    ),
  ),
}

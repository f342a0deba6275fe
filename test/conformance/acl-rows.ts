import type { Policy } from '../../src/server/acl/policy.ts'
import { volume, volumes } from './row.ts'

/** What a token of the matrix may hold: each capability of volumes in `default`, and a level of plugin, node, agent. */
export const capabilities = [
  'csi-list-volume',
  'csi-read-volume',
  'csi-write-volume',
  'csi-mount-volume',
  'host-volume-read',
  'host-volume-create',
  'host-volume-register',
  'host-volume-delete',
  'host-volume-write',
  'list-jobs',
  'read-job',
] as const
export const levels = ['plugin:list', 'plugin:read', 'node:read', 'agent:read'] as const
export type Grant = (typeof capabilities)[number] | (typeof levels)[number]

/** Sets of grants that a token of the matrix may hold: each capability, with each level beside it, and without. */
export const grantSets: readonly (readonly Grant[])[] = [
  [],
  ...capabilities.map((capability) => [capability]),
].flatMap((held) => [held, ...levels.map((level) => [...held, level])])

export const nameOf = (grants: readonly Grant[]) => grants.join('+') || 'nothing'

/** What an ACL policy grants, as our file and Nomad's rules have it. */
export const policyOf = (grants: readonly Grant[], namespace = 'default'): Policy => {
  const level = (room: string) => {
    const found = grants.find((grant) => grant.startsWith(`${room}:`))?.split(':')[1]
    return found === undefined ? {} : { [room]: { policy: found } }
  }
  return {
    namespace: { [namespace]: { capabilities: capabilities.filter((name) => grants.includes(name)) } },
    ...level('plugin'),
    ...level('node'),
    ...level('agent'),
  }
}

/** One operation, on things that are not there, and the grants that let a request through to finding that out. */
export interface AclRow {
  readonly method: string
  readonly path: string
  readonly body?: unknown
  /** Each alternative is enough. None: only a management token. An empty one: everybody. */
  readonly needs: readonly (readonly Grant[])[]
  /**
   * Where Nomad asks for something else, and the decision of the documentation that says why we do not follow. `none`: it
   * does not have the operation.
   */
  readonly nomad?: 'none' | { readonly needs: AclRow['needs']; readonly decision: string }
}

const toList: AclRow['needs'] = [
  ['csi-list-volume'],
  ['csi-read-volume'],
  ['csi-mount-volume'],
  ['list-jobs'],
]
const toReadHost: AclRow['needs'] = [
  ['host-volume-read'],
  ['host-volume-create'],
  ['host-volume-register'],
  ['host-volume-write'],
]
const toRead: AclRow['needs'] = [['csi-read-volume'], ['csi-mount-volume'], ['read-job']]
const toDefine: AclRow['needs'] = [['csi-write-volume', 'plugin:read']]
const everybody: AclRow['needs'] = [[]]
const management: AclRow['needs'] = []
/** By the decision of the documentation about what operations need. */
const differs = (needs: AclRow['needs']) => ({ needs, decision: 'acl-needs' })
const snapshots = { Snapshots: [{ SourceVolumeID: '{p}none', Name: 'x' }] }

/** As the public page and Nomad have it (reference, 1.5), with the two decisions that docs/server.md gives. */
export const aclRows: readonly AclRow[] = [
  { method: 'GET', path: '/v1/volumes?type=csi', needs: toList },
  { method: 'GET', path: '/v1/volumes?type=csi&namespace=*', needs: toList },
  { method: 'GET', path: '/v1/volumes?type=host', needs: everybody },
  { method: 'GET', path: '/v1/volume/host/{p}none', needs: toReadHost },
  {
    method: 'PUT',
    path: '/v1/volume/host/create',
    body: { Volume: { Name: '' } },
    needs: [['host-volume-create'], ['host-volume-register'], ['host-volume-write']],
  },
  {
    method: 'PUT',
    path: '/v1/volume/host/register',
    body: { Volume: { Name: 'x' } },
    needs: [['host-volume-register'], ['host-volume-write']],
  },
  {
    method: 'DELETE',
    path: '/v1/volume/host/{p}none',
    needs: [['host-volume-delete'], ['host-volume-write']],
  },
  { method: 'GET', path: '/v1/volumes/claims', needs: toReadHost },
  { method: 'GET', path: '/v1/volumes', needs: toList, nomad: differs(everybody) },
  { method: 'PUT', path: '/v1/volumes', body: volumes('acl', { ExternalID: 'none' }), needs: toDefine },
  { method: 'POST', path: '/v1/volumes', body: volumes('acl', { ExternalID: 'none' }), needs: toDefine },
  { method: 'GET', path: '/v1/volume/csi/{p}none', needs: toRead },
  { method: 'PUT', path: '/v1/volume/csi/{p}acl', body: volumes('acl'), needs: toDefine },
  {
    method: 'PUT',
    path: '/v1/volume/csi/{p}acl/create',
    body: { Volumes: [{ ...volume('acl'), PluginID: 'none' }] },
    needs: toDefine,
  },
  { method: 'DELETE', path: '/v1/volume/csi/{p}none', needs: [['csi-write-volume']] },
  { method: 'DELETE', path: '/v1/volume/csi/{p}none/delete', needs: toDefine },
  {
    method: 'DELETE',
    path: '/v1/volume/csi/{p}none/detach?node=x',
    needs: [
      ['csi-write-volume', 'plugin:read'],
      ['csi-mount-volume', 'plugin:read'],
    ],
    nomad: differs([['csi-mount-volume', 'plugin:read']]),
  },
  {
    method: 'GET',
    path: '/v1/volumes/external?plugin_id=none',
    needs: [['csi-write-volume']],
    nomad: differs(toList),
  },
  { method: 'GET', path: '/v1/volumes/snapshot?plugin_id=none', needs: toList },
  { method: 'PUT', path: '/v1/volumes/snapshot', body: snapshots, needs: toDefine },
  { method: 'PUT', path: '/v1/volumes/snapshot/{p}none', body: snapshots, needs: toDefine, nomad: 'none' },
  { method: 'PUT', path: '/v1/volume/csi/{p}none/snapshot', body: snapshots, needs: toDefine, nomad: 'none' },
  { method: 'DELETE', path: '/v1/volumes/snapshot?plugin_id=none&snapshot_id=x', needs: toDefine },
  { method: 'GET', path: '/v1/claims', needs: toRead, nomad: 'none' },
  {
    method: 'PUT',
    path: '/v1/volume/csi/{p}none/claim',
    body: { TargetPath: '/x' },
    needs: [['csi-mount-volume']],
    nomad: 'none',
  },
  { method: 'DELETE', path: '/v1/volume/csi/{p}none/claim/x', needs: [['csi-mount-volume']], nomad: 'none' },
  { method: 'GET', path: '/v1/plugins?type=csi', needs: [['plugin:list'], ['plugin:read']] },
  { method: 'GET', path: '/v1/plugin/csi/none', needs: [['plugin:read']] },
  { method: 'GET', path: '/v1/namespaces', needs: everybody },
  { method: 'GET', path: '/v1/namespace/default', needs: capabilities.map((capability) => [capability]) },
  { method: 'PUT', path: '/v1/namespace', body: { Name: '{p}acl' }, needs: management },
  { method: 'PUT', path: '/v1/namespaces', body: { Name: '{p}acl' }, needs: management, nomad: 'none' },
  { method: 'PUT', path: '/v1/namespace/{p}acl', body: { Name: '{p}acl' }, needs: management },
  { method: 'DELETE', path: '/v1/namespace/{p}acl', needs: management },
  { method: 'GET', path: '/v1/nodes', needs: [['node:read']] },
  { method: 'GET', path: '/v1/node/pools', needs: everybody },
  { method: 'GET', path: '/v1/node/pool/default', needs: everybody, nomad: differs(management) },
  {
    method: 'GET',
    path: '/v1/node/pool/default/nodes',
    needs: [['node:read']],
    nomad: differs(management),
  },
  { method: 'GET', path: '/v1/agent/servers', needs: [['agent:read']] },
  { method: 'GET', path: '/v1/client/stats', needs: [['node:read']] },
  { method: 'GET', path: '/v1/client/metadata', needs: [['node:read']] },
  { method: 'PUT', path: '/v1/system/gc', needs: management },
  { method: 'PUT', path: '/v1/system/reconcile/summaries', needs: management },
  { method: 'GET', path: '/v1/node/00000000-0000-0000-0000-000000000000', needs: [['node:read']] },
  {
    method: 'GET',
    path: '/v1/node/00000000-0000-0000-0000-000000000000/allocations',
    needs: [['node:read']],
  },
  { method: 'GET', path: '/v1/allocations', needs: [['read-job']] },
  { method: 'GET', path: '/v1/allocation/none', needs: everybody },
  { method: 'PUT', path: '/v1/search', body: { Prefix: '', Context: 'all' }, needs: everybody },
  { method: 'GET', path: '/v1/event/stream?topic=CSIVolume', needs: [['csi-read-volume']] },
  { method: 'GET', path: '/v1/event/stream?topic=HostVolume', needs: toReadHost },
  { method: 'GET', path: '/v1/event/stream?topic=CSIPlugin:disk', needs: [['read-job']] },
  { method: 'GET', path: '/v1/event/stream?topic=Node&topic=Allocation', needs: [['node:read', 'read-job']] },
  { method: 'GET', path: '/v1/event/stream', needs: management },
  { method: 'GET', path: '/v1/agent/self', needs: [['agent:read']] },
  { method: 'GET', path: '/v1/agent/members', needs: [['node:read']] },
  { method: 'GET', path: '/v1/agent/health', needs: everybody },
  { method: 'GET', path: '/v1/status/leader', needs: everybody },
  { method: 'GET', path: '/v1/status/peers', needs: everybody },
  { method: 'GET', path: '/v1/regions', needs: everybody },
  { method: 'GET', path: '/v1/openapi.json', needs: everybody, nomad: 'none' },
]

import Type from 'typebox'
import { Int64 } from '../../wire/volume.ts'
import { shapes } from './shapes.ts'

export interface Operation {
  readonly summary: string
  /** Parameters of the query, besides those that every operation takes. */
  readonly query?: readonly string[]
  readonly body?: Type.TSchema
  /** The body of status 200. Not given: the body is empty. */
  readonly answer?: Type.TSchema
  /** Whether a client can wait for a change, by `index` and `wait`. */
  readonly blocks?: boolean
}

const list = Type.Array
const anything = Type.Record(Type.String(), Type.Unknown())
const paged = ['filter', 'per_page', 'next_token']
const pagedByPlugin = ['per_page', 'next_token']
const define = { body: shapes.VolumesRequest, answer: shapes.VolumesResponse }
const snapshot: Operation = {
  summary: 'Create Snapshot',
  body: shapes.SnapshotsRequest,
  answer: shapes.SnapshotsResponse,
}
const putNamespace: Operation = { summary: 'Create or change a namespace', body: shapes.NamespaceRequest }

/** The served operations, by method and path. A POST is taken wherever a PUT is. */
export const operations: Readonly<Record<string, Operation>> = {
  'GET /v1/volumes': {
    summary: 'List Volumes',
    query: ['type', 'prefix', 'plugin_id', 'node_id', 'node_pool', ...paged],
    answer: list(shapes.VolumeStub),
    blocks: true,
  },
  'PUT /v1/volumes': { summary: 'Register Volumes', ...define },
  'GET /v1/volume/csi/:id': { summary: 'Read Volume', answer: shapes.Volume, blocks: true },
  'PUT /v1/volume/csi/:id': { summary: 'Register Volume', ...define },
  'DELETE /v1/volume/csi/:id': { summary: 'Deregister Volume', query: ['force'] },
  'PUT /v1/volume/csi/:id/create': { summary: 'Create Volume', ...define },
  'DELETE /v1/volume/csi/:id/delete': { summary: 'Delete Volume' },
  'DELETE /v1/volume/csi/:id/detach': { summary: 'Detach Volume', query: ['node'] },
  'PUT /v1/volume/host/create': {
    summary: 'Create Host Volume',
    body: shapes.HostVolumeRequest,
    answer: shapes.HostVolumeResponse,
  },
  'PUT /v1/volume/host/register': {
    summary: 'Register Host Volume',
    body: shapes.HostVolumeRequest,
    answer: shapes.HostVolumeResponse,
  },
  'GET /v1/volume/host/:id': { summary: 'Read Host Volume', answer: shapes.HostVolume, blocks: true },
  'DELETE /v1/volume/host/:id': {
    summary: 'Delete Host Volume',
    query: ['force'],
    answer: Type.Object({ Index: Int64 }),
  },
  'GET /v1/volumes/claims': {
    summary: 'List the claims of task groups on host volumes: none, because no jobs run here',
    answer: list(anything),
  },
  'GET /v1/volumes/external': {
    summary: 'List External Volumes',
    query: ['plugin_id', ...pagedByPlugin],
    answer: shapes.ExternalVolumesResponse,
    blocks: true,
  },
  'GET /v1/volumes/snapshot': {
    summary: 'List Snapshots',
    query: ['plugin_id', ...pagedByPlugin],
    answer: shapes.SnapshotsResponse,
    blocks: true,
  },
  'PUT /v1/volumes/snapshot': snapshot,
  'PUT /v1/volumes/snapshot/:id': snapshot,
  'PUT /v1/volume/csi/:id/snapshot': snapshot,
  'DELETE /v1/volumes/snapshot': { summary: 'Delete Snapshot', query: ['plugin_id', 'snapshot_id'] },
  'GET /v1/claims': {
    summary: 'List claims (of Mooring)',
    query: ['target_path'],
    answer: list(shapes.Claim),
  },
  'PUT /v1/volume/csi/:id/claim': {
    summary: 'Claim and publish a volume (of Mooring)',
    body: shapes.ClaimRequest,
    answer: shapes.Claim,
  },
  'DELETE /v1/volume/csi/:id/claim/:claim': { summary: 'End a claim (of Mooring)' },
  'GET /v1/plugins': {
    summary: 'List Plugins',
    query: ['type', 'prefix', ...paged],
    answer: list(shapes.PluginStub),
    blocks: true,
  },
  'GET /v1/plugin/csi/:id': { summary: 'Read Plugin', answer: shapes.Plugin, blocks: true },
  'GET /v1/namespaces': {
    summary: 'List Namespaces',
    query: ['prefix', ...paged],
    answer: list(shapes.Namespace),
    blocks: true,
  },
  'PUT /v1/namespaces': putNamespace,
  'PUT /v1/namespace': putNamespace,
  'GET /v1/namespace/:name': { summary: 'Read Namespace', answer: shapes.Namespace, blocks: true },
  'PUT /v1/namespace/:name': putNamespace,
  'DELETE /v1/namespace/:name': { summary: 'Delete Namespace' },
  'GET /v1/nodes': {
    summary: 'List Nodes',
    query: ['prefix', ...paged],
    answer: list(shapes.NodeStub),
    blocks: true,
  },
  'GET /v1/node/pools': {
    summary: 'List Node Pools',
    query: ['prefix', ...paged],
    answer: list(shapes.NodePool),
    blocks: true,
  },
  'GET /v1/node/pool/:name': { summary: 'Read Node Pool', answer: shapes.NodePool },
  'GET /v1/node/pool/:name/nodes': { summary: 'List the nodes of a pool', answer: list(shapes.NodeStub) },
  'GET /v1/node/:id': { summary: 'Read Node', answer: shapes.Node, blocks: true },
  'GET /v1/node/:id/allocations': {
    summary: 'List the allocations of a node',
    answer: list(shapes.Allocation),
    blocks: true,
  },
  'GET /v1/allocations': {
    summary: 'List Allocations: the claims',
    query: ['prefix', ...paged],
    answer: list(shapes.AllocationStub),
    blocks: true,
  },
  'GET /v1/allocation/:id': { summary: 'Read Allocation', answer: shapes.Allocation, blocks: true },
  'PUT /v1/search': { summary: 'Search', body: shapes.SearchRequest, answer: shapes.SearchResponse },
  'GET /v1/event/stream': {
    summary: 'Follow events: one line for each batch, and a line `{}` after every 30 s without one',
    query: ['topic', 'index'],
    answer: shapes.EventBatch,
  },
  'GET /v1/agent/self': { summary: 'Query the agent', answer: shapes.AgentSelf },
  'GET /v1/agent/members': { summary: 'List members', answer: shapes.AgentMembers },
  'GET /v1/agent/servers': { summary: 'List servers', answer: list(Type.String()) },
  'GET /v1/client/stats': { summary: 'Read the statistics of the machine', answer: anything },
  'GET /v1/client/metadata': { summary: 'Read dynamic metadata: there is none', answer: anything },
  'PUT /v1/system/gc': { summary: 'Collect garbage: there is none' },
  'PUT /v1/system/reconcile/summaries': { summary: 'Reconcile summaries of jobs: there are none' },
  'GET /v1/agent/health': { summary: 'Health', query: ['type'], answer: shapes.AgentHealth },
  'GET /v1/status/leader': { summary: 'Read the leader', answer: Type.String() },
  'GET /v1/status/peers': { summary: 'List peers', answer: list(Type.String()) },
  'GET /v1/regions': { summary: 'List regions', answer: list(Type.String()) },
  'GET /v1/openapi.json': { summary: 'This document', answer: Type.Record(Type.String(), Type.Unknown()) },
}

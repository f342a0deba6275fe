import Type from 'typebox'
import { HostVolume, HostVolumeResponse, HostVolumeStub } from '../../wire/host-volume.ts'
import { Namespace } from '../../wire/namespace.ts'
import { Node, NodePool, NodeStub } from '../../wire/node.ts'
import { Plugin, PluginInstance, PluginStub } from '../../wire/plugin.ts'
import { Snapshot, SnapshotRequest, SnapshotsResponse } from '../../wire/snapshot.ts'
import {
  AllocationStub,
  ExternalVolume,
  ExternalVolumesResponse,
  Int64,
  Volume,
  VolumeStub,
  VolumesResponse,
} from '../../wire/volume.ts'
import { HostVolumeBody } from '../host-volumes/parse-host-volume.ts'
import { ClaimBody } from '../routes/claims.ts'
import { NamespaceBody } from '../routes/namespaces.ts'
import { SearchBody } from '../routes/search.ts'
import { SnapshotsBody } from '../storage/snapshots-body.ts'
import { VolumeBody, VolumesBody } from '../volumes/request-body.ts'

const string = Type.String()
const map = Type.Record(Type.String(), Type.String())
const anything = Type.Record(Type.String(), Type.Unknown())

/** The fields that answers of writes, and of lists of external volumes and snapshots, have besides their content. */
const metadata = {
  Index: Int64,
  LastContact: Int64,
  KnownLeader: Type.Boolean(),
  NextToken: Type.Optional(string),
}

const Allocation = Type.Object({
  ...AllocationStub.properties,
  Job: anything,
  Resources: anything,
  Metrics: anything,
})

const Claim = Type.Object({
  ID: string,
  Namespace: string,
  VolumeID: string,
  NodeID: string,
  ReadOnly: Type.Boolean(),
  AccessMode: string,
  AttachmentMode: string,
  TargetPath: string,
  ClientStatus: string,
  ClientDescription: string,
})

const SearchResponse = Type.Object({
  Matches: Type.Record(Type.String(), Type.Array(string)),
  Truncations: Type.Record(Type.String(), Type.Boolean()),
  ...metadata,
})

const Event = Type.Object({
  Topic: string,
  Type: string,
  Key: string,
  Namespace: string,
  FilterKeys: Type.Array(string),
  Index: Int64,
  Payload: anything,
})
const EventBatch = Type.Object({ Index: Type.Optional(Int64), Events: Type.Optional(Type.Array(Event)) })

const AgentMember = Type.Object({
  Name: string,
  Addr: string,
  Port: Type.Integer(),
  Tags: map,
  Status: string,
})
const AgentSelf = Type.Object({
  config: anything,
  member: AgentMember,
  stats: Type.Record(Type.String(), map),
})
const AgentMembers = Type.Object({
  ServerName: string,
  ServerRegion: string,
  ServerDC: string,
  Members: Type.Array(AgentMember),
})
const Health = Type.Object({ ok: Type.Boolean(), message: string })
const AgentHealth = Type.Object({ server: Type.Optional(Health), client: Type.Optional(Health) })

/** The shapes of the document by name. A shape within another one becomes a reference. */
export const shapes = {
  Volume,
  VolumeStub,
  VolumeRequest: VolumeBody,
  VolumesRequest: VolumesBody,
  VolumesResponse: Type.Object({ ...VolumesResponse.properties, ...metadata }),
  HostVolume,
  HostVolumeStub,
  HostVolumeRequest: HostVolumeBody,
  HostVolumeResponse,
  ExternalVolume,
  ExternalVolumesResponse: Type.Object({ ...ExternalVolumesResponse.properties, ...metadata }),
  Snapshot,
  SnapshotRequest,
  SnapshotsRequest: SnapshotsBody,
  SnapshotsResponse: Type.Object({ ...SnapshotsResponse.properties, ...metadata }),
  PluginStub,
  PluginInstance,
  Plugin,
  AllocationStub,
  Allocation,
  Namespace,
  NamespaceRequest: NamespaceBody,
  NodeStub,
  Node,
  NodePool,
  Claim,
  ClaimRequest: ClaimBody,
  SearchRequest: SearchBody,
  SearchResponse,
  Event,
  EventBatch,
  AgentSelf,
  AgentMembers,
  AgentHealth,
} as const

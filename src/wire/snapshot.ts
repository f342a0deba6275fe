import Type from 'typebox'
import { Int64 } from './volume.ts'

const StringMap = Type.Record(Type.String(), Type.String())

/** One element of the body of Create Snapshot. SourceVolumeID is a Nomad volume ID. */
export const SnapshotRequest = Type.Object({
  SourceVolumeID: Type.String(),
  PluginID: Type.Optional(Type.String()),
  Name: Type.String(),
  Secrets: Type.Optional(Type.Union([StringMap, Type.Null()])),
  Parameters: Type.Optional(Type.Union([StringMap, Type.Null()])),
})
export type SnapshotRequest = Type.Static<typeof SnapshotRequest>

/** Body of Create Snapshot. */
export const SnapshotsRequest = Type.Object({ Snapshots: Type.Array(SnapshotRequest) })
export type SnapshotsRequest = Type.Static<typeof SnapshotsRequest>

/** A snapshot in the answers of Create and List. Nomad's List never fills SourceVolumeID and Name. */
export const Snapshot = Type.Object({
  ID: Type.String(),
  ExternalSourceVolumeID: Type.String(),
  SizeBytes: Int64,
  /** Unix seconds. */
  CreateTime: Int64,
  IsReady: Type.Boolean(),
  SourceVolumeID: Type.Optional(Type.String()),
  PluginID: Type.Optional(Type.String()),
  Name: Type.Optional(Type.String()),
  /** Always null: only requests have them. */
  Secrets: Type.Optional(Type.Null()),
  Parameters: Type.Optional(Type.Null()),
})
export type Snapshot = Type.Static<typeof Snapshot>

/** Answer of Create Snapshot and List Snapshots. */
export const SnapshotsResponse = Type.Object({
  Snapshots: Type.Union([Type.Array(Snapshot), Type.Null()]),
  NextToken: Type.Optional(Type.String()),
})
export type SnapshotsResponse = Type.Static<typeof SnapshotsResponse>

import Type from 'typebox'

const StringMap = Type.Record(Type.String(), Type.String())

/** A whole number of bytes; the pool refuses volumes whose size a double cannot hold exactly. */
const Bytes = Type.Integer({ minimum: 0 })

/** Higher with each change: of two copies of a record the one with the higher number counts. */
const Generation = Type.Optional(Type.Integer({ minimum: 0 }))

/** What a volume or snapshot was made from. */
const Source = Type.Object({
  type: Type.Union([Type.Literal('snapshot'), Type.Literal('volume')]),
  id: Type.String(),
})

/** What the pool knows of a volume. In the pool's database, and in the sidecar file beside the volume. */
export const VolumeRecord = Type.Object({
  id: Type.String(),
  generation: Generation,
  /** The name given to CreateVolume, its key of idempotency. None: somebody put the directory there. */
  name: Type.Optional(Type.String()),
  /** `creating`: nobody was told of it, and its data is not visible yet. `deleting`: its end was decided. */
  state: Type.Union([Type.Literal('creating'), Type.Literal('ready'), Type.Literal('deleting')]),
  /** `mount`: a directory. `block`: a sparse file for a loop device. */
  kind: Type.Union([Type.Literal('mount'), Type.Literal('block')]),
  /** 0: no limit is known. */
  capacityBytes: Bytes,
  /** The quota project of the directory. None where nothing enforced its capacity when it was made. */
  projectID: Type.Optional(Type.Integer({ minimum: 0 })),
  /** Milliseconds since the Unix epoch. */
  createTimeMs: Type.Integer(),
  parameters: StringMap,
  /** What ControllerModifyVolume may change, as it is now. */
  mutableParameters: Type.Optional(StringMap),
  source: Type.Optional(Source),
  /** ControllerPublishVolume: the nodes that may use it. */
  attachments: Type.Array(
    Type.Object({ nodeID: Type.String(), readonly: Type.Boolean(), fingerprint: Type.String() }),
  ),
  /** NodeStageVolume: paths. */
  stagings: Type.Array(Type.Object({ path: Type.String(), fingerprint: Type.String() })),
  /** NodePublishVolume: where workloads see it. */
  publications: Type.Array(
    Type.Object({
      path: Type.String(),
      readonly: Type.Boolean(),
      method: Type.Union([Type.Literal('bind'), Type.Literal('symlink')]),
      accessMode: Type.String(),
      fingerprint: Type.String(),
    }),
  ),
})
export type VolumeRecord = Type.Static<typeof VolumeRecord>

/** What the pool knows of a snapshot. In the pool's database, and in the sidecar file beside it. */
export const SnapshotRecord = Type.Object({
  id: Type.String(),
  generation: Generation,
  /** The name given to CreateSnapshot, its key of idempotency. None: it is part of a group. */
  name: Type.Optional(Type.String()),
  /** The group snapshot that it is part of, and goes with. */
  groupID: Type.Optional(Type.String()),
  /** `failed`: its copy broke off after a caller was told its ID. `fault` says why. */
  state: Type.Union([
    Type.Literal('copying'),
    Type.Literal('ready'),
    Type.Literal('failed'),
    Type.Literal('deleting'),
  ]),
  fault: Type.Optional(Type.String()),
  kind: Type.Union([Type.Literal('mount'), Type.Literal('block')]),
  sourceVolumeID: Type.String(),
  /** The least capacity of a volume made from it. */
  sizeBytes: Bytes,
  /** What it takes on the disk at most (less where the file system shares blocks). */
  usedBytes: Bytes,
  /** Milliseconds since the Unix epoch. */
  createTimeMs: Type.Integer(),
  parameters: StringMap,
})
export type SnapshotRecord = Type.Static<typeof SnapshotRecord>

/** What the pool knows of a group snapshot. In the pool's database, and in a sidecar file of its own. */
export const GroupRecord = Type.Object({
  id: Type.String(),
  generation: Generation,
  /** The name given to CreateVolumeGroupSnapshot, its key of idempotency. */
  name: Type.String(),
  /** `creating`: nobody was told of it. `deleting`: its end was decided. In either case its snapshots go. */
  state: Type.Union([Type.Literal('creating'), Type.Literal('ready'), Type.Literal('deleting')]),
  /** Milliseconds since the Unix epoch. Every snapshot of the group has the same. */
  createTimeMs: Type.Integer(),
  parameters: StringMap,
  /** Its snapshots, by source volume, bytewise. */
  members: Type.Array(
    Type.Object({
      id: Type.String(),
      sourceVolumeID: Type.String(),
      kind: Type.Union([Type.Literal('mount'), Type.Literal('block')]),
    }),
  ),
})
export type GroupRecord = Type.Static<typeof GroupRecord>

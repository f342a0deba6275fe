import { Volume, type VolumeStub } from '../../wire/volume.ts'
import type { Field, Fields } from '../filter/compile-filter.ts'
import { shapeOf } from '../filter/shape.ts'
import type { ClaimMode, VolumeRecord } from '../state/records.ts'
import { type ListRow, type PluginsThen, presentVolumeStub } from './list-rows.ts'
import { presentRequests } from './present-volume.ts'

/** What a filter looks at: a record. The rest is computed only when the filter asks for it. */
export interface FilterRow {
  readonly volume: VolumeRecord
  stub(): VolumeStub
  /** Keys are the IDs of the allocations. */
  allocs(mode: ClaimMode): Readonly<Record<string, null>>
}

export function createFilterRow(row: ListRow, plugins: PluginsThen): FilterRow {
  let stub: VolumeStub | undefined
  return {
    volume: row.volume,
    stub() {
      stub ??= presentVolumeStub(row, plugins)
      return stub
    },
    allocs: (wanted) =>
      Object.fromEntries(row.claims.filter(({ mode }) => mode === wanted).map(({ id }) => [id, null])),
  }
}

type Read<Value> = (row: FilterRow) => Value

const string = (read: Read<string>): Field<FilterRow> => ({ shape: { type: 'string' }, read })
const integer = (read: Read<number | bigint>): Field<FilterRow> => ({ shape: { type: 'integer' }, read })
const index = (read: Read<number>): Field<FilterRow> => ({ shape: { type: 'integer', unsigned: true }, read })
const boolean = (read: Read<boolean>): Field<FilterRow> => ({ shape: { type: 'boolean' }, read })
const map = (read: Read<Readonly<Record<string, unknown>>>): Field<FilterRow> => ({
  shape: { type: 'map', of: { type: 'string' } },
  read,
})
/** A field of the answer as it is, with what its schema says of it. */
const answered = (name: keyof Volume, read: Read<unknown>): Field<FilterRow> => {
  const shape = shapeOf(Volume.properties[name])
  if (shape === undefined) throw new TypeError(`${name} has no shape that a filter can see`)
  return { shape, read }
}

/**
 * The fields of a volume that a filter of List Volumes can see. It sees no secrets and no mount flags. (Nomad's
 * filter sees the stored struct: secrets too, and stale health.)
 */
export const volumeFields: Fields<FilterRow> = new Map<string, Field<FilterRow>>([
  ['ID', string(({ volume }) => volume.id)],
  ['Namespace', string(({ volume }) => volume.namespace)],
  ['Name', string(({ volume }) => volume.name)],
  ['ExternalID', string(({ volume }) => volume.externalID)],
  ['PluginID', string(({ volume }) => volume.pluginID)],
  ['Provider', string((row) => row.stub().Provider)],
  ['AccessMode', string((row) => row.stub().AccessMode)],
  ['AttachmentMode', string((row) => row.stub().AttachmentMode)],
  ['CloneID', string(({ volume }) => volume.cloneID)],
  ['SnapshotID', string(({ volume }) => volume.snapshotID)],
  [
    'MountOptions',
    {
      shape: { type: 'object', fields: { FSType: { type: 'string' } } },
      read: ({ volume }) => ({ FSType: volume.mountOptions.fsType }),
    },
  ],
  [
    'RequestedCapabilities',
    answered('RequestedCapabilities', ({ volume }) => presentRequests(volume).RequestedCapabilities),
  ],
  [
    'RequestedTopologies',
    answered('RequestedTopologies', ({ volume }) => presentRequests(volume).RequestedTopologies),
  ],
  ['Topologies', answered('Topologies', (row) => row.stub().Topologies)],
  ['Capacity', integer(({ volume }) => volume.capacity)],
  ['RequestedCapacityMin', integer(({ volume }) => volume.requestedCapacityMin)],
  ['RequestedCapacityMax', integer(({ volume }) => volume.requestedCapacityMax)],
  ['CurrentReaders', integer((row) => row.stub().CurrentReaders ?? 0)],
  ['CurrentWriters', integer((row) => row.stub().CurrentWriters ?? 0)],
  ['ControllersHealthy', integer((row) => row.stub().ControllersHealthy)],
  ['ControllersExpected', integer((row) => row.stub().ControllersExpected)],
  ['NodesHealthy', integer((row) => row.stub().NodesHealthy)],
  ['NodesExpected', integer((row) => row.stub().NodesExpected)],
  ['CreateIndex', index(({ volume }) => volume.createIndex)],
  ['ModifyIndex', index(({ volume }) => volume.modifyIndex)],
  ['CreateTime', integer((row) => row.stub().CreateTime ?? 0)],
  ['ModifyTime', integer((row) => row.stub().ModifyTime ?? 0)],
  ['Schedulable', boolean((row) => row.stub().Schedulable)],
  ['ControllerRequired', boolean((row) => row.stub().ControllerRequired)],
  ['Parameters', map(({ volume }) => volume.parameters)],
  ['Context', map(({ volume }) => volume.context)],
  ['ReadAllocs', map((row) => row.allocs('read'))],
  ['WriteAllocs', map((row) => row.allocs('write'))],
])

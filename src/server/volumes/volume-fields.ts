import type { VolumeStub } from '../../wire/volume.ts'
import type { Field, Fields } from '../filter/compile-filter.ts'
import type { ClaimMode, VolumeRecord } from '../state/records.ts'
import { type ListRow, type PluginsThen, presentVolumeStub } from './list-rows.ts'

/** What a filter looks at: a record, and what is worked out from it only where the filter asks. */
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

const string = (read: Read<string>): Field<FilterRow> => ({ type: 'string', read })
const integer = (read: Read<number | bigint>): Field<FilterRow> => ({ type: 'integer', read })
const boolean = (read: Read<boolean>): Field<FilterRow> => ({ type: 'boolean', read })
const map = (read: Read<Readonly<Record<string, unknown>>>): Field<FilterRow> => ({ type: 'map', read })

/**
 * What a filter of List Volumes can see: of an answer, the fields with a single meaning. Secrets and mount
 * flags are not among them. (Nomad's filter sees its stored struct, secrets included, with stale health.)
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
  ['MountOptions.FSType', string(({ volume }) => volume.mountOptions.fsType)],
  ['Capacity', integer(({ volume }) => volume.capacity)],
  ['RequestedCapacityMin', integer(({ volume }) => volume.requestedCapacityMin)],
  ['RequestedCapacityMax', integer(({ volume }) => volume.requestedCapacityMax)],
  ['CurrentReaders', integer((row) => row.stub().CurrentReaders ?? 0)],
  ['CurrentWriters', integer((row) => row.stub().CurrentWriters ?? 0)],
  ['ControllersHealthy', integer((row) => row.stub().ControllersHealthy)],
  ['ControllersExpected', integer((row) => row.stub().ControllersExpected)],
  ['NodesHealthy', integer((row) => row.stub().NodesHealthy)],
  ['NodesExpected', integer((row) => row.stub().NodesExpected)],
  ['CreateIndex', integer(({ volume }) => volume.createIndex)],
  ['ModifyIndex', integer(({ volume }) => volume.modifyIndex)],
  ['Schedulable', boolean((row) => row.stub().Schedulable)],
  ['ControllerRequired', boolean((row) => row.stub().ControllerRequired)],
  ['Parameters', map(({ volume }) => volume.parameters)],
  ['Context', map(({ volume }) => volume.context)],
  ['ReadAllocs', map((row) => row.allocs('read'))],
  ['WriteAllocs', map((row) => row.allocs('write'))],
])

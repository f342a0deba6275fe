import type { Volume, VolumeStub } from '../../wire/volume.ts'
import type { Field, Fields } from '../filter/compile-filter.ts'

type Row = Volume & VolumeStub

const string = (read: (row: Row) => string): Field<Row> => ({ type: 'string', read })
const integer = (read: (row: Row) => number | bigint): Field<Row> => ({ type: 'integer', read })
const boolean = (read: (row: Row) => boolean): Field<Row> => ({ type: 'boolean', read })
const map = (read: (row: Row) => Readonly<Record<string, unknown>>): Field<Row> => ({ type: 'map', read })

/**
 * What a filter of List Volumes can see: of an answer, the fields with a single meaning. Secrets and mount
 * flags are not among them. (Nomad's filter sees its stored struct, secrets included, with stale health.)
 */
export const volumeFields: Fields<Row> = new Map<string, Field<Row>>([
  ['ID', string((row) => row.ID)],
  ['Namespace', string((row) => row.Namespace)],
  ['Name', string((row) => row.Name)],
  ['ExternalID', string((row) => row.ExternalID)],
  ['PluginID', string((row) => row.PluginID)],
  ['Provider', string((row) => row.Provider)],
  ['ProviderVersion', string((row) => row.ProviderVersion)],
  ['AccessMode', string((row) => row.AccessMode)],
  ['AttachmentMode', string((row) => row.AttachmentMode)],
  ['CloneID', string((row) => row.CloneID)],
  ['SnapshotID', string((row) => row.SnapshotID)],
  ['MountOptions.FSType', string((row) => row.MountOptions?.FSType ?? '')],
  ['Capacity', integer((row) => row.Capacity)],
  ['RequestedCapacityMin', integer((row) => row.RequestedCapacityMin)],
  ['RequestedCapacityMax', integer((row) => row.RequestedCapacityMax)],
  ['CurrentReaders', integer((row) => row.CurrentReaders ?? 0)],
  ['CurrentWriters', integer((row) => row.CurrentWriters ?? 0)],
  ['ControllersHealthy', integer((row) => row.ControllersHealthy)],
  ['ControllersExpected', integer((row) => row.ControllersExpected)],
  ['NodesHealthy', integer((row) => row.NodesHealthy)],
  ['NodesExpected', integer((row) => row.NodesExpected)],
  ['CreateIndex', integer((row) => row.CreateIndex)],
  ['ModifyIndex', integer((row) => row.ModifyIndex)],
  ['Schedulable', boolean((row) => row.Schedulable)],
  ['ControllerRequired', boolean((row) => row.ControllerRequired)],
  ['Parameters', map((row) => row.Parameters ?? {})],
  ['Context', map((row) => row.Context ?? {})],
  ['ReadAllocs', map((row) => row.ReadAllocs ?? {})],
  ['WriteAllocs', map((row) => row.WriteAllocs ?? {})],
])

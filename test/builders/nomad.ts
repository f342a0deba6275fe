import type { Plugin, PluginStub } from '../../src/wire/plugin.ts'
import type { Snapshot } from '../../src/wire/snapshot.ts'
import type { ExternalVolume, Volume, VolumeStub } from '../../src/wire/volume.ts'

/** A volume as Nomad gives it: with the fields that the schemas do not name, and nulls where it has them. */
export function aVolume(id: string, matters: Partial<Volume> = {}): Volume {
  return {
    ID: id,
    Namespace: 'default',
    Name: id,
    ExternalID: `ext-${id}`,
    Topologies: [null, { Segments: { rack: 'R1' } }],
    AccessMode: '',
    AttachmentMode: '',
    RequestedCapabilities: [{ AccessMode: 'single-node-writer', AttachmentMode: 'file-system' }],
    RequestedCapacityMin: 1024,
    RequestedCapacityMax: 0,
    RequestedTopologies: null,
    Capacity: 1024,
    CloneID: '',
    SnapshotID: '',
    MountOptions: { FSType: '', MountFlags: null },
    Secrets: null,
    Parameters: {},
    Context: {},
    ReadAllocs: {},
    WriteAllocs: {},
    Allocations: [],
    ProviderVersion: '1.0.0',
    Schedulable: true,
    PluginID: 'ebs',
    Provider: 'ebs.csi.example.com',
    ControllerRequired: true,
    ControllersHealthy: 1,
    ControllersExpected: 1,
    NodesHealthy: 1,
    NodesExpected: 1,
    ResourceExhausted: '0001-01-01T00:00:00Z',
    CreateIndex: 10,
    ModifyIndex: 10,
    CreateTime: 0,
    ModifyTime: 0,
    ...matters,
  }
}

export function aVolumeStub(volume: Volume): VolumeStub {
  const { ID, Namespace, Name, ExternalID, Topologies, AccessMode, AttachmentMode, ...rest } = volume
  const { Schedulable, PluginID, Provider, ControllerRequired, ResourceExhausted } = rest
  const { ControllersHealthy, ControllersExpected, NodesHealthy, NodesExpected } = rest
  return {
    ...{ ID, Namespace, Name, ExternalID, AccessMode, AttachmentMode },
    ...(Topologies !== undefined && { Topologies }),
    ...{ Schedulable, PluginID, Provider, ControllerRequired, ResourceExhausted },
    ...{ ControllersHealthy, ControllersExpected, NodesHealthy, NodesExpected },
    CurrentReaders: Object.keys(volume.ReadAllocs ?? {}).length,
    CurrentWriters: Object.keys(volume.WriteAllocs ?? {}).length,
    CreateIndex: volume.CreateIndex,
    ModifyIndex: volume.ModifyIndex,
  }
}

export function aPlugin(id: string, matters: Partial<Plugin> = {}): Plugin {
  return {
    ID: id,
    Provider: `${id}.csi.example.com`,
    Version: '1.0.0',
    ControllerRequired: true,
    ControllersHealthy: 1,
    ControllersExpected: 1,
    NodesHealthy: 1,
    NodesExpected: 1,
    Controllers: {},
    Nodes: null,
    CreateIndex: 5,
    ModifyIndex: 5,
    ...matters,
  }
}

export function aPluginStub(plugin: Plugin): PluginStub {
  const { Version: _version, Controllers: _controllers, Nodes: _nodes, ...stub } = plugin
  return stub
}

export function anExternalVolume(id: string, matters: Partial<ExternalVolume> = {}): ExternalVolume {
  return {
    ExternalID: id,
    CapacityBytes: 1024,
    VolumeContext: null,
    CloneID: '',
    SnapshotID: '',
    PublishedExternalNodeIDs: null,
    IsAbnormal: false,
    Status: '',
    ...matters,
  }
}

export function aSnapshot(id: string, matters: Partial<Snapshot> = {}): Snapshot {
  return {
    ID: id,
    ExternalSourceVolumeID: 'ext-data',
    SizeBytes: 1024,
    CreateTime: 1_700_000_000,
    IsReady: true,
    SourceVolumeID: '',
    PluginID: 'ebs',
    Name: '',
    ...matters,
  }
}

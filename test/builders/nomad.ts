import type { ControllerInfo, Plugin } from '../../src/wire/plugin.ts'
import type { Volume } from '../../src/wire/volume.ts'

/** What Nomad answers of a volume: unclaimed, schedulable, of 1 GiB unless said. */
export function nomadVolume(id: string, fields: Partial<Volume> = {}): Volume {
  return {
    ID: id,
    Namespace: 'default',
    Name: id,
    ExternalID: `external-${id}`,
    PluginID: 'directories',
    Topologies: [],
    AccessMode: '',
    AttachmentMode: '',
    RequestedCapabilities: [{ AccessMode: 'single-node-writer', AttachmentMode: 'file-system' }],
    RequestedCapacityMin: 0,
    RequestedCapacityMax: 0,
    RequestedTopologies: null,
    Capacity: 1024 ** 3,
    CloneID: '',
    SnapshotID: '',
    MountOptions: {},
    Secrets: null,
    Parameters: {},
    Context: {},
    ReadAllocs: {},
    WriteAllocs: {},
    Allocations: [],
    Schedulable: true,
    Provider: 'directories.mooring.dev',
    ProviderVersion: '1',
    ControllerRequired: true,
    ControllersHealthy: 1,
    ControllersExpected: 1,
    NodesHealthy: 1,
    NodesExpected: 1,
    ResourceExhausted: '0001-01-01T00:00:00Z',
    CreateIndex: 1,
    ModifyIndex: 1,
    ...fields,
  }
}

const everyCapability: ControllerInfo = {
  SupportsCreateDelete: true,
  SupportsAttachDetach: true,
  SupportsListVolumes: true,
  SupportsGetCapacity: true,
  SupportsCreateDeleteSnapshot: true,
  SupportsListSnapshots: true,
  SupportsClone: true,
  SupportsReadOnlyAttach: true,
  SupportsExpand: true,
  SupportsListVolumesAttachedNodes: true,
  SupportsCondition: true,
  SupportsGet: true,
}

/** A plugin with one healthy controller that can do all but what `lacks` says. */
export function nomadPlugin(
  id: string,
  lacks: Partial<ControllerInfo> = {},
  fields: Partial<Plugin> = {},
): Plugin {
  return {
    ID: id,
    Provider: 'directories.mooring.dev',
    Version: '1',
    ControllerRequired: true,
    ControllersHealthy: 1,
    ControllersExpected: 1,
    NodesHealthy: 1,
    NodesExpected: 1,
    CreateIndex: 1,
    ModifyIndex: 1,
    Nodes: {},
    Controllers: {
      'node-1': {
        PluginID: id,
        AllocID: '',
        Healthy: true,
        HealthDescription: 'healthy',
        UpdateTime: '2026-01-01T00:00:00Z',
        Provider: 'directories.mooring.dev',
        ProviderVersion: '1',
        RequiresControllerPlugin: true,
        RequiresTopologies: false,
        ControllerInfo: { ...everyCapability, ...lacks },
      },
    },
    ...fields,
  }
}

import type { ControllerInfo, Plugin } from '../../src/wire/plugin.ts'
import type { Volume } from '../../src/wire/volume.ts'
import { aPlugin, aVolume } from './nomad.ts'

/** A volume of plugin `directories` as Nomad gives it: unclaimed, schedulable, of 1 GiB, with no topology. */
export function nomadVolume(id: string, matters: Partial<Volume> = {}): Volume {
  return aVolume(id, {
    ExternalID: `external-${id}`,
    PluginID: 'directories',
    Topologies: [],
    RequestedCapacityMin: 0,
    Capacity: 1024 ** 3,
    ...matters,
  })
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
  matters: Partial<Plugin> = {},
): Plugin {
  return aPlugin(id, {
    Controllers: {
      'node-1': {
        PluginID: id,
        AllocID: '',
        Healthy: true,
        HealthDescription: 'healthy',
        UpdateTime: '2026-01-01T00:00:00Z',
        Provider: `${id}.csi.example.com`,
        ProviderVersion: '1.0.0',
        RequiresControllerPlugin: true,
        RequiresTopologies: false,
        ControllerInfo: { ...everyCapability, ...lacks },
      },
    },
    ...matters,
  })
}

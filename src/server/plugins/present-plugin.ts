import type { Plugin, PluginInstance, PluginStub } from '../../wire/plugin.ts'
import type { PluginRecord } from '../state/records.ts'
import { rfc3339, unixNanoseconds } from '../times.ts'

/** What List Plugins shows, and every volume of the plugin with it. */
export function presentPluginStub(plugin: PluginRecord): PluginStub {
  const healthy = plugin.healthy ? 1 : 0
  return {
    ID: plugin.id,
    Provider: plugin.provider,
    ControllerRequired: plugin.controller !== undefined,
    ControllersHealthy: plugin.controller === undefined ? 0 : healthy,
    ControllersExpected: plugin.controller === undefined ? 0 : 1,
    NodesHealthy: plugin.node === undefined ? 0 : healthy,
    NodesExpected: plugin.node === undefined ? 0 : 1,
    CreateIndex: plugin.createIndex,
    ModifyIndex: plugin.modifyIndex,
  }
}

/** What Read Plugin answers: the stub, and this machine's instance of the plugin. */
export function presentPlugin(plugin: PluginRecord, nodeID: string): Plugin {
  const instance: PluginInstance = {
    PluginID: plugin.id,
    AllocID: '',
    Healthy: plugin.healthy,
    HealthDescription: plugin.healthDescription || 'healthy',
    UpdateTime: rfc3339(plugin.modifyTimeMs),
    Provider: plugin.provider,
    ProviderVersion: plugin.providerVersion,
    RequiresControllerPlugin: plugin.controller !== undefined,
    RequiresTopologies: plugin.requiresTopologies,
    ControllerInfo: null,
    NodeInfo: null,
  }
  return {
    ...presentPluginStub(plugin),
    Version: plugin.providerVersion,
    Controllers: plugin.controller ? { [nodeID]: { ...instance, ControllerInfo: plugin.controller } } : {},
    Nodes: plugin.node ? { [nodeID]: { ...instance, NodeInfo: plugin.node } } : {},
    Allocations: [],
    ControllerJobs: {},
    NodeJobs: {},
    CreateTime: unixNanoseconds(plugin.createTimeMs),
    ModifyTime: unixNanoseconds(plugin.modifyTimeMs),
  }
}

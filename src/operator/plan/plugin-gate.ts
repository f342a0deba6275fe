import { advise } from '../../lib/reasons/explanation.ts'
import { reasons } from '../../lib/reasons/reasons.ts'
import type { ControllerInfo, Plugin } from '../../wire/plugin.ts'
import { type Decision, stall, wait } from './decision.ts'

/** Nomad sends no event for some changes of a plugin (reference, 1.3). */
const pluginPollMs = 15_000

/**
 * Whether a plugin can do something that needs `capability`: undefined if so, else the decision that says what is
 * missing. A capability counts as missing only if a healthy controller does not announce it: before its first
 * fingerprint a plugin seems to have none (reference, 3.6).
 */
export function planPluginGate(
  pluginID: string,
  plugin: Plugin | undefined,
  capability: keyof ControllerInfo | undefined,
): Decision | undefined {
  if (plugin === undefined) {
    return wait('PluginNotFound', `waiting for plugin "${pluginID}": Nomad does not know it`, pluginPollMs)
  }
  const healthy = Object.values(plugin.Controllers ?? {}).filter((controller) => controller.Healthy)
  if (plugin.Provider === '' || (plugin.ControllerRequired && healthy.length === 0)) {
    return wait(
      'PluginUnavailable',
      `waiting for plugin "${pluginID}": it has no healthy controller`,
      pluginPollMs,
    )
  }
  if (capability === undefined) return undefined
  if (healthy.length === 0) {
    return stall(
      'PluginUnsupported',
      `plugin "${pluginID}" has no controller, so it cannot ${abilities[capability] ?? capability}. ${advise(reasons.PluginUnsupported.person.runController())}`,
    )
  }
  if (!healthy.some((controller) => controller.ControllerInfo?.[capability])) {
    return stall(
      'PluginUnsupported',
      `plugin "${pluginID}" cannot ${abilities[capability] ?? capability}: it does not announce the capability. ${advise(reasons.PluginUnsupported.person.otherPlugin())}`,
    )
  }
  return undefined
}

/** Whether a healthy controller announces the capability. */
export function hasCapability(plugin: Plugin | undefined, capability: keyof ControllerInfo): boolean {
  return Object.values(plugin?.Controllers ?? {}).some(
    (controller) => controller.Healthy && controller.ControllerInfo?.[capability] === true,
  )
}

const abilities: Partial<Record<keyof ControllerInfo, string>> = {
  SupportsCreateDelete: 'create or delete volumes (CREATE_DELETE_VOLUME)',
  SupportsExpand: 'expand volumes (EXPAND_VOLUME)',
  SupportsCreateDeleteSnapshot: 'create or delete snapshots (CREATE_DELETE_SNAPSHOT)',
  SupportsListSnapshots: 'list its snapshots (LIST_SNAPSHOTS)',
  SupportsClone: 'clone volumes (CLONE_VOLUME)',
}

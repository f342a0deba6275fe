import { errorMessage } from '../../../lib/errors.ts'
import type { ClusterHealth, PluginHealth } from '../../../wire/dashboard/overview.ts'
import type { Plugin } from '../../../wire/plugin.ts'
import type { ClusterView } from './cluster-view.ts'
import { given } from './references.ts'

/** The health of the plugins that are declared for, and so of the Nomad that tells of them. Asks the operator's watches. */
export async function readHealth(
  view: ClusterView,
): Promise<{ readonly cluster: ClusterHealth; readonly plugins: readonly PluginHealth[] }> {
  const counts = new Map<string, number>()
  for (const { kind, spec } of view.declarations().values())
    if (kind === 'Volume') counts.set(spec.pluginID, (counts.get(spec.pluginID) ?? 0) + 1)
  const found = await Promise.all(
    [...counts].map(async ([id, volumes]) => {
      try {
        return { id, volumes, plugin: await view.readPlugin(id) }
      } catch (error) {
        return { id, volumes, failure: errorMessage(error) }
      }
    }),
  )
  const failure = found.find((each) => each.failure !== undefined)?.failure
  return {
    cluster: {
      ...given('name', view.cluster),
      address: view.nomadAddr,
      ...given('region', view.nomadRegion),
      isReachable: failure === undefined,
      ...given('message', failure),
    },
    plugins: found
      .map(({ id, volumes, plugin, failure }) => presentPlugin(view, id, volumes, plugin, failure))
      .sort((one, other) => (one.id < other.id ? -1 : 1)),
  }
}

function presentPlugin(
  view: ClusterView,
  id: string,
  volumes: number,
  plugin: Plugin | undefined,
  failure: string | undefined,
): PluginHealth {
  if (plugin === undefined) {
    const message = failure ?? 'Nomad has no plugin of this ID: start it, or correct spec.pluginID'
    const none = { controllersHealthy: 0, controllersExpected: 0, nodesHealthy: 0, nodesExpected: 0 }
    return { id, ...given('cluster', view.cluster), isHealthy: false, ...none, volumes, message }
  }
  const { ControllersHealthy, ControllersExpected, NodesHealthy, NodesExpected } = plugin
  const hasController = !plugin.ControllerRequired || ControllersHealthy > 0
  const isHealthy = hasController && (NodesExpected === 0 || NodesHealthy > 0)
  return {
    id,
    ...given('cluster', view.cluster),
    isHealthy,
    ...given('provider', plugin.Provider === '' ? undefined : plugin.Provider),
    ...given('version', plugin.Version === '' ? undefined : plugin.Version),
    controllersHealthy: ControllersHealthy,
    controllersExpected: ControllersExpected,
    nodesHealthy: NodesHealthy,
    nodesExpected: NodesExpected,
    volumes,
    ...given(
      'message',
      isHealthy ? undefined : `no healthy ${hasController ? 'node instance' : 'controller'} answers to Nomad`,
    ),
  }
}

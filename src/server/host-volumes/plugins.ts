import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { errorMessage } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import { unprocessable } from '../errors.ts'
import { externalPlugin, fingerprint } from './external-plugin.ts'
import type { HostVolumeFolders, HostVolumePlugin } from './host-volume-plugin.ts'
import { mkdirID, mkdirPlugin } from './mkdir-plugin.ts'

export interface HostVolumePlugins {
  /** Asks every executable for its version. One that does not answer is no plugin, and the log says so. */
  fingerprint(): Promise<void>
  /** @throws ApiError 422 where this machine has no such plugin */
  get(pluginID: string): HostVolumePlugin
  /** IDs and versions, for the attributes of the node. */
  versions(): ReadonlyMap<string, string>
}

/** The built-in plugin, and the executables of a folder (Nomad: client/hostvolumemanager). */
export function createHostVolumePlugins(
  folders: HostVolumeFolders,
  nodeID: string,
  log: Log,
): HostVolumePlugins {
  const builtIn = mkdirPlugin(folders.volumes)
  const versions = new Map([[mkdirID, '0.0.1']])
  return {
    async fingerprint() {
      try {
        await builtIn.sweep?.()
      } catch (error) {
        log.error({ reason: errorMessage(error) }, 'what interrupted calls of mkdir left cannot be removed')
      }
      for (const id of executablesOf(folders.plugins)) {
        try {
          versions.set(id, await fingerprint(join(folders.plugins, id)))
        } catch (error) {
          log.error(
            { pluginID: id, reason: errorMessage(error) },
            'host volume plugin does not tell its version',
          )
        }
      }
    },
    get(pluginID) {
      if (pluginID === mkdirID) return builtIn
      // Only names that were found in the folder: an ID leads nowhere else.
      if (!versions.has(pluginID)) throw unprocessable(`no such plugin: "${pluginID}"`)
      return externalPlugin(pluginID, folders, nodeID)
    },
    versions: () => versions,
  }
}

function executablesOf(folder: string): string[] {
  let names: string[]
  try {
    names = readdirSync(folder)
  } catch {
    // Where the folder is not there, there are no plugins.
    return []
  }
  return names.filter((name) => {
    const found = statSync(join(folder, name), { throwIfNoEntry: false })
    return found?.isFile() === true && (found.mode & 0o111) !== 0 && name !== mkdirID
  })
}

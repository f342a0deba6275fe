import { chmod, chown, lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode, errorMessage } from '../../lib/errors.ts'
import { makeFolder } from '../../lib/make-folder.ts'
import { unprocessable } from '../errors.ts'
import type { StringMap } from '../state/records.ts'
import type { HostVolumePlugin } from './host-volume-plugin.ts'

export const mkdirID = 'mkdir'

/** A folder that is being made, or deleted; no ID begins like this. */
const comingPrefix = '.making-'
const goingPrefix = '.deleting-'

/** The built-in plugin: a volume is a folder, whose size nothing limits. */
export function mkdirPlugin(volumesFolder: string): HostVolumePlugin {
  return {
    async create(id, { parameters }) {
      const hostPath = join(volumesFolder, id)
      const { modeBits, uid, gid } = parseParameters(parameters)
      if (await isThere(hostPath)) return { hostPath, capacityBytes: 0 }
      makeFolder(volumesFolder, 0o711)
      // At one moment, so that a crash leaves no volume without its mode and its owner.
      const coming = join(volumesFolder, `${comingPrefix}${id}`)
      try {
        await rm(coming, { recursive: true, force: true })
        await mkdir(coming, { mode: modeBits })
        // The umask takes bits away from a new folder.
        await chmod(coming, modeBits)
        if (uid !== undefined || gid !== undefined)
          await chown(coming, uid ?? process.getuid?.() ?? 0, gid ?? process.getgid?.() ?? 0)
        await rename(coming, hostPath)
        await syncFolder(volumesFolder)
      } catch (error) {
        await rm(coming, { recursive: true, force: true })
        throw unprocessable(`cannot make the folder with its owner and mode: ${errorMessage(error)}`)
      }
      return { hostPath, capacityBytes: 0 }
    },
    async delete({ id }) {
      const going = join(volumesFolder, `${goingPrefix}${id}`)
      try {
        // At one moment, so that a crash leaves no volume with half of its files.
        await rename(join(volumesFolder, id), going)
      } catch (error) {
        if (errorCode(error) !== 'ENOENT')
          throw unprocessable(`cannot delete the folder: ${errorMessage(error)}`)
      }
      await rm(going, { recursive: true, force: true })
    },
    async sweep() {
      if (!(await isThere(volumesFolder))) return
      const names = await readdir(volumesFolder)
      for (const name of names.filter(
        (each) => each.startsWith(comingPrefix) || each.startsWith(goingPrefix),
      ))
        await rm(join(volumesFolder, name), { recursive: true, force: true })
    },
  }
}

/** What was renamed in a folder outlasts a power cut only when the folder is synced. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false
    throw error
  }
}

/** The parameters of Nomad's `mkdir`: `mode` in octal, default 0700; `uid`, `gid`. @throws ApiError 422 */
function parseParameters(parameters: StringMap) {
  const parsed: { modeBits: number; uid?: number; gid?: number } = { modeBits: 0o700 }
  for (const [name, text] of Object.entries(parameters)) {
    if (name === 'mode' && /^[0-7]{1,6}$/.test(text)) parsed.modeBits = Number.parseInt(text, 8)
    else if ((name === 'uid' || name === 'gid') && /^\d{1,10}$/.test(text)) parsed[name] = Number(text)
    else if (name === 'mode' || name === 'uid' || name === 'gid')
      throw unprocessable(
        `invalid value for "${name}": ${name === 'mode' ? 'want octal digits' : 'want a whole number'}`,
      )
    else throw unprocessable(`unknown mkdir parameter: "${name}"`)
  }
  return parsed
}

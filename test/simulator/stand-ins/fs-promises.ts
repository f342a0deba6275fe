/** In the place of `node:fs/promises` for sources: the folder of the running history, and nothing of this machine. */
import { constants, type Dirent } from 'node:fs'
import { currentSimulation } from '../simulation.ts'
import { rootPath } from '../world/folder.ts'

const regularFile = constants.S_IFREG
const directory = constants.S_IFDIR

interface Found {
  readonly isFolder: boolean
  readonly bytes: Buffer
  readonly inode: number
  readonly changedAtMs: number
}

const nothing = Buffer.alloc(0)

/** One in so many looks takes a moment, in which anything may happen; the others are quick. */
const pausesEvery = 16

async function look(path: string): Promise<Found> {
  const { scheduler, network } = currentSimulation()
  const owner = scheduler.current
  const name = `look at ${path}`
  if (network.meets(1 / pausesEvery, `${name} pauses`)) {
    await new Promise<void>((resolve) => {
      scheduler.after(owner, network.latencyMs(name), name, resolve)
    })
  }
  return find(path)
}

function find(path: string): Found {
  const { folder } = currentSimulation()
  const { state } = folder
  if (path === rootPath) {
    if (state === 'gone') throw systemError('ENOENT', path)
    return {
      isFolder: true,
      bytes: nothing,
      inode: folder.device * 1000,
      changedAtMs: folder.rootChangedAtMs,
    }
  }
  const file = state === 'there' ? folder.files().get(path.slice(rootPath.length + 1)) : undefined
  if (file === undefined) throw systemError(state === 'unreadable' ? 'EACCES' : 'ENOENT', path)
  const { text, inode, changedAtMs } = file
  return { isFolder: false, bytes: text, inode, changedAtMs }
}

function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code, path })
}

function statsOf({ isFolder, bytes, inode, changedAtMs }: Found, bigint: boolean) {
  const { folder, wallMs, scheduler } = currentSimulation()
  // Files carry dates of the machine's clock.
  const dateMs = Math.floor(wallMs(scheduler.current) - scheduler.nowMs + changedAtMs)
  const as = bigint ? BigInt : Number
  const nanoseconds = bigint ? BigInt(dateMs) * 1_000_000n : 0n
  return {
    dev: as(folder.device),
    ino: as(inode),
    mode: as(isFolder ? directory : regularFile),
    size: as(bytes.length),
    mtimeMs: as(dateMs),
    ctimeMs: as(dateMs),
    mtimeNs: nanoseconds,
    ctimeNs: nanoseconds,
    isFile: () => !isFolder,
    isDirectory: () => isFolder,
    isSymbolicLink: () => false,
    isFIFO: () => false,
    isSocket: () => false,
  }
}

export async function stat(path: string, { bigint = false } = {}) {
  return statsOf(await look(path), bigint)
}

export const lstat = stat

export async function realpath(path: string): Promise<string> {
  await look(path)
  return path
}

export async function readdir(path: string, options: { withFileTypes?: boolean; encoding?: string } = {}) {
  const { isFolder } = await look(path)
  if (!isFolder) throw systemError('ENOTDIR', path)
  // A folder whose rights are gone is still there.
  if (currentSimulation().folder.state === 'unreadable') throw systemError('EACCES', path)
  const named = (name: string) => (options.encoding === 'buffer' ? Buffer.from(name) : name)
  const names = [...currentSimulation().folder.files().keys()]
  if (options.withFileTypes !== true) return names.map(named)
  return names.map((name) => ({
    name: named(name),
    parentPath: path,
    isFile: () => true,
    isDirectory: () => false,
    isSymbolicLink: () => false,
  })) as unknown as Dirent[]
}

export async function readFile(path: string, encoding?: BufferEncoding) {
  const { isFolder, bytes } = await look(path)
  if (isFolder) throw systemError('EISDIR', path)
  return encoding === undefined ? bytes : bytes.toString(encoding)
}

export async function open(path: string) {
  const opened = await look(path)
  return {
    stat: async ({ bigint = false } = {}) => statsOf(opened, bigint),
    // What is read is what the file holds by then, as with a file that is written in place.
    async readFile() {
      return (await look(path)).bytes
    },
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  }
}

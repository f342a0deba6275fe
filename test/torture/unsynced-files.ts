import { appendFileSync, linkSync, lstatSync, mkdirSync } from 'node:fs'
import { mkdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { FileOperations } from '../../src/driver/file-operations.ts'

/** One file operation that was done, in the order it was. `kept` is another link to what it took away. */
type Done =
  | { readonly type: 'create' | 'mkdir' | 'sync'; readonly path: string }
  | {
      readonly type: 'rename'
      readonly path: string
      readonly to: string
      readonly isFile: boolean
      readonly kept?: string
    }
  | { readonly type: 'unlink'; readonly path: string; readonly kept?: string }
  | { readonly type: 'sync-all' }

/** Records are far smaller. */
const longestKeptBytes = 64 * 1024

/** Where the operations are noted, and what they took away is kept: on the pool's file system, beside the pool. */
export interface UnsyncedPlaces {
  readonly log: string
  readonly kept: string
}

/** File operations that note what they did, so that a power cut can take back what nobody synced. */
export function noteUnsynced(real: FileOperations, { log, kept }: UnsyncedPlaces): FileOperations {
  mkdirSync(kept, { recursive: true })
  let links = 0
  const note = (done: Done) => appendFileSync(log, `${JSON.stringify(done)}\n`)
  /** Another link to a file that is about to go. */
  const keep = (path: string): { kept?: string } => {
    const stats = lstatSync(path, { throwIfNoEntry: false })
    // What is big is removed for the room that it takes, and a link would keep that.
    if (!stats?.isFile() || stats.size > longestKeptBytes) return {}
    const link = join(kept, `${process.pid}-${links++}`)
    try {
      linkSync(path, link)
      return { kept: link }
    } catch {
      // On another file system than the pool, or no room for another name: then it is not taken back.
      return {}
    }
  }
  return {
    ...real,
    async createFile(path, content) {
      await real.createFile(path, content)
      note({ type: 'create', path })
    },
    async mkdir(path, modeBits) {
      await real.mkdir(path, modeBits)
      note({ type: 'mkdir', path })
    },
    async rename(path, to) {
      const taken = keep(to)
      await real.rename(path, to)
      note({ type: 'rename', path, to, isFile: lstatSync(to).isFile(), ...taken })
    },
    async unlink(path) {
      const taken = keep(path)
      await real.unlink(path)
      note({ type: 'unlink', path, ...taken })
    },
    async sync(path) {
      await real.sync(path)
      note({ type: 'sync', path })
    },
    async run(tool, args, signal) {
      const output = await real.run(tool, args, signal)
      if (tool === 'sync') note({ type: 'sync-all' })
      return output
    },
  }
}

/**
 * What a power cut may do to the files that nobody synced: their bytes are cut or zeroed, and what happened
 * to the entries of a directory since its last sync has not happened. Every directory is cut for itself, as
 * nothing promises an order between two. `coin` says which of what is possible comes true.
 */
export async function cutUnsynced({ log, kept }: UnsyncedPlaces, coin: () => boolean): Promise<void> {
  const text = await readFile(log, 'utf8').catch(() => '')
  const done = text
    .split('\n')
    .filter((line) => line !== '')
    .flatMap(parseDone)
  for (const path of unsyncedContents(done)) {
    const stats = lstatSync(path, { throwIfNoEntry: false })
    if (stats === undefined || coin()) continue
    if (coin()) await truncate(path, Math.floor(stats.size / 2))
    else await writeFile(path, Buffer.alloc(stats.size))
  }
  const directories = new Map<string, boolean>()
  for (const change of unsyncedEntries(done).reverse()) {
    const directory = dirname(change.type === 'rename' ? change.to : change.path)
    if (!directories.has(directory)) directories.set(directory, coin())
    if (directories.get(directory)) await takeBack(change)
  }
  await writeFile(log, '')
  await rm(kept, { recursive: true, force: true })
  await mkdir(kept)
}

/** None for a line that its process died in. */
function parseDone(line: string): Done[] {
  try {
    return [JSON.parse(line) as Done]
  } catch {
    // Nothing is known of that operation, so nothing of it is taken back.
    return []
  }
}

/** Files by their present names whose bytes nobody synced since they were written. */
function unsyncedContents(done: readonly Done[]): string[] {
  const files = new Set<string>()
  for (const operation of done) {
    if (operation.type === 'sync-all') files.clear()
    else if (operation.type === 'create') files.add(operation.path)
    else if (operation.type === 'sync' || operation.type === 'unlink') files.delete(operation.path)
    else if (operation.type === 'rename') {
      files.delete(operation.to)
      if (files.delete(operation.path)) files.add(operation.to)
    }
  }
  return [...files]
}

type Change = Exclude<Done, { type: 'sync' | 'sync-all' }>

/** Changes of directories' entries that no sync of the directory came after. */
function unsyncedEntries(done: readonly Done[]): Change[] {
  let changes: Change[] = []
  for (const operation of done) {
    if (operation.type === 'sync-all') changes = []
    else if (operation.type !== 'sync') changes.push(operation)
    else {
      changes = changes.filter((change) => {
        const places = change.type === 'rename' ? [change.path, change.to] : [change.path]
        return !places.some((place) => dirname(place) === operation.path)
      })
    }
  }
  return changes
}

async function takeBack(change: Change): Promise<void> {
  const exists = (path: string) => lstatSync(path, { throwIfNoEntry: false }) !== undefined
  if (change.type !== 'rename' && change.type !== 'unlink') {
    return rm(change.path, { recursive: true, force: true })
  }
  const { path, kept } = change
  if (change.type === 'rename') {
    // What was renamed and then removed comes back without its content: its own removal was not noted.
    await mkdir(dirname(path), { recursive: true })
    if (exists(change.to)) await rename(change.to, path)
    else if (change.isFile) await writeFile(path, '')
    else await mkdir(path)
  }
  const at = change.type === 'rename' ? change.to : path
  if (kept === undefined || !exists(kept) || exists(at)) return
  // Its directory may have been removed after it, which was not noted either.
  await mkdir(dirname(at), { recursive: true })
  linkSync(kept, at)
}

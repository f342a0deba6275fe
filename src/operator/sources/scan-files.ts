import type { BigIntStats, Dirent } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode, errorMessage } from '../../lib/errors.ts'
import type { FolderEvidence } from '../desired/evidence.ts'
import { readName } from './file-names.ts'

/** A file that may contain declarations. */
export interface FoundFile {
  /** The path beneath the root, with forward slashes. Empty where the root is this file. */
  readonly file: string
  /** The path to open. */
  readonly path: string
  /** The folder that holds it, beneath the root. Absent where the root is this file. */
  readonly folder?: string
  /** It changes when the file changes, as far as the clock of the file system shows it. */
  readonly fingerprint: string
  /** When it last changed, in milliseconds since the epoch. */
  readonly changedAtMs: number
}

/** Something that could not be read: what is at `file` and beneath it is unknown. */
export interface Unreadable {
  /** As in FoundFile. Empty for the root. */
  readonly file: string
  readonly message: string
  /** The file's path, where its name is all that is wrong with it. */
  readonly path?: Buffer
}

export interface FileScan {
  /** Sorted by `file`. */
  readonly files: readonly FoundFile[]
  readonly unreadable: readonly Unreadable[]
  /** Every folder that was listed whole, by its path beneath the root. */
  readonly folders: ReadonlyMap<string, FolderEvidence>
  /** What is visible and neither a folder nor a file that may contain declarations. */
  readonly passed: ReadonlySet<string>
}

/** Whether a name is hidden: `.git`, the temporary files of editors, `..data` of a ConfigMap. */
export const isHidden = (name: string) => name.startsWith('.')

export const isDeclarationFile = (name: string) => /\.(?:ya?ml|json|hcl)$/i.test(name)

/** So many looks at files run at once; the system carries out some of them together. */
const looksAtOnce = 32

/** Whether it takes a look to know what it is. */
const needsLook = (entry: Dirent<Buffer>, name: string) =>
  !entry.isDirectory() && (entry.isSymbolicLink() || isDeclarationFile(name))

/** More files and folders than a source has in practice. Each costs memory at every reading. */
const maxEntries = 200_000

/**
 * Finds the YAML, JSON and HCL files beneath `root`, or `root` itself where it is a file. Hidden names are skipped. Links are
 * followed, because the files of a mounted ConfigMap are links into a hidden folder that is replaced. Each folder is entered
 * once, however many links lead to it, so loops end. A file and the links to it count once.
 */
export async function scanFiles(root: string, signal?: AbortSignal): Promise<FileScan> {
  const found: (FoundFile & { readonly id: string; readonly isLink: boolean })[] = []
  const unreadable: Unreadable[] = []
  const folders = new Map<string, FolderEvidence>()
  const passed = new Set<string>()
  const entered = new Set<string>()
  let entryCount = 0

  /** undefined where it failed; then it is noted. */
  async function attempt<Result>(file: string, isLink: boolean, look: () => Promise<Result>) {
    signal?.throwIfAborted()
    try {
      return await look()
    } catch (error) {
      unreadable.push({ file, message: explain(error, isLink) })
      return undefined
    }
  }

  async function enter(path: string, file: string): Promise<void> {
    const realPath = await attempt(file, false, () => realpath(path))
    if (realPath === undefined) return
    const stats = await attempt(file, false, () => stat(path, { bigint: true }))
    if (stats === undefined) return
    const isFirst = !entered.has(realPath)
    entered.add(realPath)
    const entries = await attempt(file, false, () =>
      readdir(path, { withFileTypes: true, encoding: 'buffer' }),
    )
    if (entries === undefined) return
    entryCount += entries.length
    if (entryCount > maxEntries) return
    const named = entries.map((entry) => ({ entry, ...readName(entry.name) }))
    const visible = named.filter(({ name }) => !isHidden(name))
    folders.set(file, { device: String(stats.dev), realPath, isEmpty: visible.length === 0 })
    if (!isFirst) return
    const sorted = visible.sort((a, b) => compare(a.name, b.name))
    const looks: Promise<BigIntStats | undefined>[] = []
    for (const [index, { entry, name, misnamed }] of sorted.entries()) {
      // One after the other, the looks at a thousand files would take longer than everything else.
      for (const next of sorted.slice(looks.length, index + looksAtOnce)) {
        const look = needsLook(next.entry, next.name)
          ? stat(join(path, next.name), { bigint: true })
          : undefined
        looks.push(Promise.resolve(look))
        // Whoever comes to it hears of it.
        look?.catch(() => {})
      }
      const look = looks[index]
      if (misnamed === undefined) await visit(entry, name, path, file, () => look)
      else refuseName(entry, name, misnamed, path, file)
    }
  }

  async function visit(
    entry: Dirent<Buffer>,
    name: string,
    folder: string,
    folderFile: string,
    look: () => Promise<BigIntStats | undefined> | undefined,
  ): Promise<void> {
    const path = join(folder, name)
    const file = folderFile === '' ? name : `${folderFile}/${name}`
    if (entry.isDirectory()) return enter(path, file)
    if (!entry.isSymbolicLink() && !isDeclarationFile(name)) return void passed.add(file)
    const isLink = entry.isSymbolicLink()
    const stats = await attempt(file, isLink, async () => look())
    if (stats?.isDirectory()) return enter(path, file)
    if (stats === undefined) return
    if (!isDeclarationFile(name)) return void passed.add(file)
    if (stats.isFile())
      found.push({ ...foundFile(file, path, stats), folder: folderFile, id: idOf(stats), isLink })
    else unreadable.push({ file, message: 'is not a regular file: remove it, or give it another ending' })
  }

  /** A folder of such a name may hold what was declared beside it; a file says what it declares by its text. */
  function refuseName(
    entry: Dirent<Buffer>,
    name: string,
    shown: string,
    folder: string,
    folderFile: string,
  ): void {
    if (!isDeclarationFile(name) && entry.isFile()) return
    const message = `has an entry ${shown}, whose name is not UTF-8: rename it`
    if (!isDeclarationFile(name)) return void unreadable.push({ file: folderFile, message })
    unreadable.push({
      file: folderFile === '' ? name : `${folderFile}/${name}`,
      message: `is named ${shown}, which is not UTF-8: rename it`,
      path: Buffer.concat([Buffer.from(`${folder}/`), entry.name]),
    })
  }

  const stats = await attempt('', false, () => stat(root, { bigint: true }))
  if (stats?.isDirectory()) await enter(root, '')
  else if (stats?.isFile()) found.push({ ...foundFile('', root, stats), id: idOf(stats), isLink: false })
  else if (stats !== undefined)
    unreadable.push({ file: '', message: 'is neither a folder nor a file: correct the path' })
  if (entryCount > maxEntries) {
    const message = `has more than ${maxEntries} files and folders: read a folder that has fewer`
    return { files: [], unreadable: [{ file: '', message }], folders: new Map(), passed: new Set() }
  }
  return { files: withoutLinks(found), unreadable, folders, passed }
}

/** One of the names of each file: the first that is no link, or else the first. */
function withoutLinks(
  found: readonly (FoundFile & { readonly id: string; readonly isLink: boolean })[],
): FoundFile[] {
  const names = Map.groupBy(found, ({ id }) => id)
  return [...names.values()]
    .flatMap((same) => same.find(({ isLink }) => !isLink) ?? same[0] ?? [])
    .map(({ id: _, isLink: __, ...file }) => file)
    .sort((a, b) => compare(a.file, b.file))
}

/** Whether two scans found the same. */
export function isSameScan(a: FileScan, b: FileScan): boolean {
  const flatten = ({ files, unreadable, folders }: FileScan) =>
    JSON.stringify([
      files.map(({ file, fingerprint }) => [file, fingerprint]),
      unreadable.map(({ file, message }) => [file, message]),
      [...folders],
    ])
  return flatten(a) === flatten(b)
}

/** Compares by UTF-16 units, which gives the same order on every machine, whatever its language. */
export const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

const idOf = ({ dev, ino }: BigIntStats) => `${dev} ${ino}`

function foundFile(file: string, path: string, stats: BigIntStats): FoundFile {
  const { dev, ino, size, mtimeNs, ctimeNs } = stats
  return {
    file,
    path,
    fingerprint: [dev, ino, size, mtimeNs, ctimeNs].join(' '),
    changedAtMs: Number(stats.ctimeMs),
  }
}

/** Why the system refuses a file or folder, and what a person can do. */
export function explain(error: unknown, isLink: boolean): string {
  switch (errorCode(error)) {
    case 'ENOENT':
      return isLink
        ? 'is a link to nothing: put back what it leads to, or remove it'
        : 'is not there: create it, or correct the path'
    case 'EACCES':
    case 'EPERM':
      return 'may not be read: give the user that runs Mooring the right to read it'
    case 'ELOOP':
      return 'is a link that leads back to itself: remove it'
    default:
      return `cannot be read: ${errorMessage(error)}`
  }
}

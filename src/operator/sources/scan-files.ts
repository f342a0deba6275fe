import type { BigIntStats, Dirent } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode, errorMessage } from '../../lib/errors.ts'

/** A file that may contain declarations. */
export interface FoundFile {
  /** The path beneath the root, with forward slashes. Empty where the root is this file. */
  readonly file: string
  /** The path to open. */
  readonly path: string
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
}

export interface FileScan {
  /** Sorted by `file`. */
  readonly files: readonly FoundFile[]
  readonly unreadable: readonly Unreadable[]
}

/** Whether a name is hidden: `.git`, the temporary files of editors, `..data` of a ConfigMap. */
export const isHidden = (name: string) => name.startsWith('.')

export const isDeclarationFile = (name: string) => /\.(?:ya?ml|json|hcl)$/i.test(name)

/**
 * Finds the YAML, JSON and HCL files beneath `root`, or `root` itself where it is a file. Hidden names are skipped. Links are
 * followed, because the files of a mounted ConfigMap are links into a hidden folder that is replaced. Each folder is entered
 * once, however many links lead to it, so loops end.
 */
export async function scanFiles(root: string, signal?: AbortSignal): Promise<FileScan> {
  const files: FoundFile[] = []
  const unreadable: Unreadable[] = []
  const entered = new Set<string>()

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
    const place = await attempt(file, false, () => realpath(path))
    if (place === undefined || entered.has(place)) return
    entered.add(place)
    const entries = await attempt(file, false, () => readdir(path, { withFileTypes: true }))
    const visible = (entries ?? []).filter(({ name }) => !isHidden(name))
    for (const entry of visible.sort((a, b) => compare(a.name, b.name))) await visit(entry, path, file)
  }

  async function visit(entry: Dirent, folder: string, folderFile: string): Promise<void> {
    const path = join(folder, entry.name)
    const file = folderFile === '' ? entry.name : `${folderFile}/${entry.name}`
    if (entry.isDirectory()) return enter(path, file)
    if (!entry.isSymbolicLink() && !isDeclarationFile(entry.name)) return
    const stats = await attempt(file, entry.isSymbolicLink(), () => stat(path, { bigint: true }))
    if (stats?.isDirectory()) return enter(path, file)
    if (stats === undefined || !isDeclarationFile(entry.name)) return
    if (stats.isFile()) files.push(found(file, path, stats))
    else unreadable.push({ file, message: 'is not a regular file: remove it, or give it another ending' })
  }

  const stats = await attempt('', false, () => stat(root, { bigint: true }))
  if (stats?.isDirectory()) await enter(root, '')
  else if (stats?.isFile()) files.push(found('', root, stats))
  else if (stats !== undefined)
    unreadable.push({ file: '', message: 'is neither a folder nor a file: correct the path' })
  files.sort((a, b) => compare(a.file, b.file))
  return { files, unreadable }
}

/** Whether two scans found the same. */
export function isSameScan(a: FileScan, b: FileScan): boolean {
  const flatten = ({ files, unreadable }: FileScan) =>
    JSON.stringify([files.map(({ file, fingerprint }) => [file, fingerprint]), unreadable])
  return flatten(a) === flatten(b)
}

/** Compares by UTF-16 units, which gives the same order on every machine, whatever its language. */
export const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

function found(file: string, path: string, stats: BigIntStats): FoundFile {
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

import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { errorCode } from '../../src/lib/errors.ts'

/** Every file below a directory by its relative path; empty where there is no such directory. */
export async function readTree(directory: string): Promise<Map<string, string>> {
  const files = new Map<string, string>()
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch((error) => {
    if (errorCode(error) === 'ENOENT') return []
    throw error
  })
  for (const entry of entries) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    files.set(path.slice(directory.length + 1), await readFile(path, 'utf8'))
  }
  return files
}

interface TreeOptions {
  /** The directory holds files of others too. */
  readonly isPartOfDirectory?: boolean
}

/** Paths that are missing, changed, or there without being wanted; sorted. */
export async function compareTrees(
  directory: string,
  wanted: ReadonlyMap<string, string>,
  { isPartOfDirectory = false }: TreeOptions = {},
): Promise<string[]> {
  const present = await readTree(directory)
  const paths = new Set([...(isPartOfDirectory ? [] : present.keys()), ...wanted.keys()])
  return [...paths]
    .filter((path) => present.get(path) !== wanted.get(path))
    .sort()
    .map((path) => join(directory, path))
}

/** Makes the directory hold `files`, and nothing else unless it is others' too. */
export async function writeTree(
  directory: string,
  files: ReadonlyMap<string, string>,
  { isPartOfDirectory = false }: TreeOptions = {},
): Promise<void> {
  if (!isPartOfDirectory) await rm(directory, { recursive: true, force: true })
  for (const [path, content] of files) {
    await mkdir(dirname(join(directory, path)), { recursive: true })
    await writeFile(join(directory, path), content)
  }
}

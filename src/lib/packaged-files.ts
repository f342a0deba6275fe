import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { getAsset, getAssetKeys, isSea } from 'node:sea'
import { fileURLToPath } from 'node:url'

/** Whether Mooring is one executable file, which holds its other files itself. */
export const isExecutable = isSea()

/** A file of the package. The package is two levels above both src/lib and dist/lib. */
const pathOf = (file: string) => fileURLToPath(new URL(`../../${file}`, import.meta.url))

/** @param file its path in the package, such as `package.json` @throws Error where there is none */
export function readPackagedFile(file: string): string {
  return isExecutable ? getAsset(file, 'utf8') : readFileSync(pathOf(file), 'utf8')
}

/** Hands a file of the package to what only reads by a path, which is good until `use` returns. */
export function withPackagedFile<Result>(file: string, use: (path: string) => Result): Result {
  if (!isExecutable) return use(pathOf(file))
  const folder = mkdtempSync(join(tmpdir(), 'mooring-'))
  try {
    const path = join(folder, basename(file))
    writeFileSync(path, readPackagedFile(file))
    return use(path)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The files that an executable holds beneath a path, by what follows it. Undefined: it holds none. */
export function assetsBeneath(path: string): ReadonlyMap<string, Buffer> | undefined {
  const names = getAssetKeys().filter((name) => name.startsWith(path))
  if (names.length === 0) return undefined
  return new Map(names.map((name) => [name.slice(path.length), Buffer.from(getAsset(name))]))
}

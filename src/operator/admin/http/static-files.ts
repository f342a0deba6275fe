import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { extname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { assetsBeneath, isExecutable } from '../../../lib/packaged-files.ts'

/** A file of the dashboard, ready to be sent. */
export interface StaticFile {
  readonly type: string
  readonly bytes: Buffer
  /** undefined: compressing it gains nothing. */
  readonly gzip: Buffer | undefined
  readonly etag: string
  /** Its name has a hash of its content, so it never changes. */
  readonly isImmutable: boolean
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.txt': 'text/plain; charset=utf-8',
}

/** The files of a built page, by their paths beneath it. */
export type PageFiles = ReadonlyMap<string, Buffer>

/** The built dashboard: inside the executable, beside the compiled code of the package, or in a clone where it was built. */
export function findDashboard(): PageFiles | undefined {
  if (isExecutable) return assetsBeneath('dashboard/dist/')
  const places = ['../../../dashboard/', '../../../../dashboard/dist/']
  const folder = places
    .map((place) => fileURLToPath(new URL(place, import.meta.url)))
    .find((folder) => existsSync(join(folder, 'index.html')))
  return folder === undefined ? undefined : readPageFolder(folder)
}

export function readPageFolder(folder: string): PageFiles {
  return new Map(
    readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry): [string, Buffer][] => {
      if (!entry.isFile()) return []
      const path = join(entry.parentPath, entry.name)
      return [[relative(folder, path).replaceAll('\\', '/'), readFileSync(path)]]
    }),
  )
}

/** Every file by its path in a URL. What is not in the map is not served, so no path leads elsewhere. */
export function staticFilesOf(page: PageFiles): ReadonlyMap<string, StaticFile> {
  return new Map(
    [...page].flatMap(([path, bytes]): [string, StaticFile][] => {
      const type = types[extname(path)]
      if (type === undefined) return []
      const url = `/${path}`
      const gzip = gzipSync(bytes)
      const file = {
        type,
        bytes,
        gzip: gzip.length < bytes.length ? gzip : undefined,
        etag: `"${createHash('sha256').update(bytes).digest('base64url')}"`,
        isImmutable: url.startsWith('/assets/'),
      }
      return [[url, file]]
    }),
  )
}

export const notBuilt =
  'The dashboard is not built here: run npm run dashboard:build in the clone, and start the operator again. The API is at /api/openapi.json.\n'

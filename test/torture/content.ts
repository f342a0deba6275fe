import { createHash } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { lstat, mkdir, open, readdir, readFile, readlink, rm, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'

const hash = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex').slice(0, 12)

/**
 * All that a volume or snapshot holds, as one comparable text: names, types, modes, owners, sizes and
 * bytes of a directory; the bytes of a block volume up to the zeros at its end, as it may have grown.
 */
export async function readContent(path: string, kind: 'mount' | 'block'): Promise<string> {
  if (kind === 'block') {
    const bytes = await readFile(path)
    let end = bytes.length
    while (end > 0 && bytes[end - 1] === 0) end--
    return end === 0 ? 'zeros' : `${end} bytes ${hash(bytes.subarray(0, end))}`
  }
  const lines: string[] = []
  const walk = async (relative: string): Promise<void> => {
    for (const name of (await readdir(join(path, relative))).sort()) {
      const at = join(relative, name)
      const stats = await lstat(join(path, at))
      lines.push(`${at} ${(stats.mode & 0o7777).toString(8)} ${await describe(join(path, at), stats)}`)
      if (stats.isDirectory()) await walk(at)
    }
  }
  await walk('')
  return lines.length === 0 ? 'empty' : lines.join(', ')
}

async function describe(path: string, stats: Stats): Promise<string> {
  if (stats.isSymbolicLink()) return `link to ${await readlink(path)}`
  if (stats.isDirectory()) return 'directory'
  return `${stats.size} bytes ${hash(await readFile(path))}`
}

/** What a workload does to its volume, and what a database would: it is on the disk when this resolves. */
export async function writeContent(
  root: string,
  kind: 'mount' | 'block',
  { file, bytes }: { readonly file: number; readonly bytes: number },
): Promise<void> {
  const content = Buffer.alloc(kind === 'block' ? 4096 : bytes, `${file}:${bytes};`)
  if (kind === 'block') return writeSynced(root, content, constants.O_WRONLY, file * 4096)
  if (file === 3) {
    // Links and removals, too.
    await rm(join(root, 'link'), { force: true })
    await symlink(`nowhere-${bytes}`, join(root, 'link'))
    await rm(join(root, 'directory'), { recursive: true, force: true })
  } else {
    const path = join(root, file === 2 ? 'directory/deep' : `file-${file}`)
    await mkdir(dirname(path), { recursive: true })
    await writeSynced(path, content, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC, 0)
    if (file === 2) await syncPath(dirname(path))
  }
  await syncPath(root)
}

async function writeSynced(path: string, content: Buffer, flags: number, position: number): Promise<void> {
  const handle = await open(path, flags, 0o644)
  try {
    await handle.write(content, 0, content.length, position)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

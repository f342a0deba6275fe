import { readFile } from 'node:fs/promises'
import { errorCode } from '../lib/errors.ts'

/** One line of /proc/self/mountinfo, cut to what the driver asks. */
export interface Mount {
  /** The directory of the mounted file system that is seen here; `/` unless it is a bind mount. */
  readonly root: string
  readonly mountPoint: string
  /** `rw`, or `ro` and so on, of this mount. */
  readonly options: readonly string[]
  readonly fsType: string
  readonly device: string
  /** Options of the file system itself, such as `prjquota`. */
  readonly superOptions: readonly string[]
}

/** All mounts that this process sees, in the order they were made; none where there is no /proc to tell. */
export async function readMountTable(): Promise<Mount[]> {
  const text = await readFile('/proc/self/mountinfo', 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return ''
    throw error
  })
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map(parseMount)
}

/** Format: proc_pid_mountinfo(5). A variable number of fields ends with a lone `-`. */
export function parseMount(line: string): Mount {
  const fields = line.split(' ')
  const separator = fields.indexOf('-', 6)
  // The kernel escapes space, tab, newline and backslash.
  const decode = (field = '') =>
    field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
  return {
    root: decode(fields[3]),
    mountPoint: decode(fields[4]),
    options: (fields[5] ?? '').split(','),
    fsType: fields[separator + 1] ?? '',
    device: fields[2] ?? '',
    superOptions: (fields[separator + 3] ?? '').split(','),
  }
}

/** The mount that a real path lies on. */
export function mountOf(path: string, table: readonly Mount[]): Mount | undefined {
  let best: Mount | undefined
  for (const mount of table) {
    const prefix = mount.mountPoint === '/' ? '/' : `${mount.mountPoint}/`
    const holds = path === mount.mountPoint || path.startsWith(prefix)
    if (holds && mount.mountPoint.length >= (best?.mountPoint.length ?? 0)) best = mount
  }
  return best
}

import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { errorCode } from '../lib/errors.ts'

/** One line of /proc/PID/mountinfo, cut to what the driver asks. */
export interface Mount {
  readonly id: number
  /** The mount that this one is mounted in. */
  readonly parentID: number
  /** The directory or file of the mounted file system that is seen here. `/` unless it is a bind mount. */
  readonly root: string
  readonly mountPoint: string
  /** `rw`, or `ro` and so on, of this mount. */
  readonly options: readonly string[]
  readonly fsType: string
  /** The file system, as `major:minor`. */
  readonly device: string
  /** Options of the file system itself, such as `prjquota`. */
  readonly superOptions: readonly string[]
}

/** The mounts of one mount namespace, in the order that the kernel gives. */
export type MountTable = readonly Mount[]

/** A directory or file as the kernel knows it: a path within a file system, wherever that is mounted. */
export interface Place {
  readonly device: string
  readonly path: string
}

/** All mounts that this process sees. None where there is no /proc to tell. */
export function readMountTable(): MountTable {
  try {
    return parseMountTable(readFileSync('/proc/self/mountinfo', 'utf8'))
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return []
    throw error
  }
}

/** The mount table of another process, and whose it is. */
export interface ForeignTable {
  readonly processID: number
  readonly table: MountTable
}

/** What this process sees, and what other mount namespaces do. */
export interface AllTables {
  readonly own: MountTable
  readonly foreign: readonly ForeignTable[]
}

let nextReading: Promise<AllTables> | undefined

/** All mounts, as they are after the call. Calls that come before the reading begins share it, as it costs. */
export function readAllTables(): Promise<AllTables> {
  nextReading ??= new Promise((resolve, reject) => {
    setImmediate(() => {
      nextReading = undefined
      try {
        resolve({ own: readMountTable(), foreign: readForeignTables() })
      } catch (error) {
        reject(error)
      }
    })
  })
  return nextReading
}

/**
 * The mounts of the other mount namespaces (containers, services), one table each, as far as /proc lets this
 * process see them. Namespaces of this driver's own tools are left out.
 */
function readForeignTables(): ForeignTable[] {
  const tables: ForeignTable[] = []
  try {
    const known = new Set([readlinkSync('/proc/self/ns/mnt')])
    for (const entry of readdirSync('/proc')) {
      if (!/^\d+$/.test(entry)) continue
      const foreign = readForeignTable(entry, known)
      if (foreign !== undefined) tables.push(foreign)
    }
  } catch (error) {
    // No /proc: nothing is known of others.
    if (errorCode(error) !== 'ENOENT') throw error
  }
  return tables
}

function readForeignTable(processID: string, known: Set<string>): ForeignTable | undefined {
  try {
    const namespace = readlinkSync(`/proc/${processID}/ns/mnt`)
    if (known.has(namespace) || parentOf(processID) === process.pid) return undefined
    const table = parseMountTable(readFileSync(`/proc/${processID}/mountinfo`, 'utf8'))
    known.add(namespace)
    return { processID: Number(processID), table }
  } catch {
    // It ended meanwhile (EINVAL, ENOENT, ESRCH), or is not this user's to look into (EACCES).
    return undefined
  }
}

/** The fourth field of /proc/PID/stat. The second one, the name, may hold anything but ends with the last `)`. */
function parentOf(processID: string): number {
  const text = readFileSync(`/proc/${processID}/stat`, 'utf8')
  return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1])
}

export function parseMountTable(text: string): Mount[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map(parseMount)
}

/** Format: proc_pid_mountinfo(5). A variable number of fields ends with a lone `-`. */
export function parseMount(line: string): Mount {
  const fields = line.split(' ')
  const separator = fields.indexOf('-', 6)
  return {
    id: Number(fields[0]),
    parentID: Number(fields[1]),
    root: decodePath(fields[3]),
    mountPoint: decodePath(fields[4]),
    options: (fields[5] ?? '').split(','),
    fsType: fields[separator + 1] ?? '',
    device: fields[2] ?? '',
    superOptions: (fields[separator + 3] ?? '').split(','),
  }
}

/** The kernel escapes space, tab, newline and backslash by three octal digits. */
function decodePath(field = ''): string {
  return field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}

/** Whether a path is another one, or lies below it. Both are absolute and normal. */
export function isAtOrBelow(path: string, top: string): boolean {
  return path === top || path.startsWith(top === '/' ? '/' : `${top}/`)
}

/**
 * The mount that a real path lies on. It goes as the kernel does: from the root, into each mount that it
 * meets on the way, so that a mount which another one hides is not taken.
 */
export function mountOf(path: string, table: MountTable): Mount | undefined {
  const ids = new Set(table.map(({ id }) => id))
  let current = table.find(({ id, parentID }) => id === parentID || !ids.has(parentID))
  for (;;) {
    const at = current
    const next = table
      .filter((mount) => mount.parentID === at?.id && mount !== at && isAtOrBelow(path, mount.mountPoint))
      .sort((one, other) => one.mountPoint.length - other.mountPoint.length)[0]
    if (next === undefined) return current
    current = next
  }
}

/** What a real path is to the kernel. undefined: the table tells nothing of it. */
export function placeOf(path: string, table: MountTable): Place | undefined {
  const mount = mountOf(path, table)
  return mount && placeOn(mount, path)
}

function placeOn(mount: Mount, path: string): Place {
  const top = mount.mountPoint === '/' ? '' : mount.mountPoint
  const root = mount.root === '/' ? '' : mount.root
  return { device: mount.device, path: root + path.slice(top.length) || '/' }
}

export function isPlaceWithin(inner: Place | undefined, outer: Place | undefined): boolean {
  if (inner === undefined || outer === undefined) return false
  return inner.device === outer.device && isAtOrBelow(inner.path, outer.path)
}

/** Where a place, or something below it, is to be seen by a mount of its own. */
export function viewsOf(place: Place, table: MountTable): Mount[] {
  return table.filter(
    ({ device, root }) => isPlaceWithin({ device, path: root }, place) && !root.endsWith('//deleted'),
  )
}

/** What is mounted on a place, or on something below it. */
export function mountsOn(place: Place, table: MountTable): Mount[] {
  const byID = new Map(table.map((mount) => [mount.id, mount]))
  return table.filter((mount) => {
    const parent = byID.get(mount.parentID)
    if (parent === undefined || parent === mount) return false
    return isPlaceWithin(placeOn(parent, mount.mountPoint), place)
  })
}

/** The topmost mount at exactly this real path. undefined: it is no mount point. */
export function mountAt(path: string, table: MountTable): Mount | undefined {
  const mount = mountOf(path, table)
  return mount?.mountPoint === path ? mount : undefined
}

import { execFile, execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { type Mount, readMountTable } from '../../src/driver/mount-table.ts'
import { cutUnsynced, type UnsyncedPlaces } from './unsynced-files.ts'

const run = promisify(execFile)

/** What a history happens on: a pool, places to stage at and publish to, and the power. */
export interface Machine {
  readonly directory: string
  readonly pool: string
  /** Holds the places that volumes are published to; `linked.targets` is a link to it from elsewhere. */
  readonly targets: string
  readonly stagings: string
  readonly linked: { readonly targets: string; readonly stagings: string }
  /** Whether the pool has a file system of its own, which can lose its power and be full. */
  readonly hasOwnDisk: boolean
  readonly unsynced: UnsyncedPlaces
  /** What is to be seen at the targets, by the kernel's own account. */
  publications(): Promise<Publication[]>
  /** All mounts and devices end, as with the machine. What has not reached the disk is gone as well. */
  cutPower(): Promise<void>
  /** The same, with less of what was not synced left than any file system would leave. */
  cutFiles(coin: () => boolean): Promise<void>
  /** All mounts and devices end; what was written is there. */
  reboot(): Promise<void>
  /** Leaves so much of the file system free. */
  fillDisk(freeKibibytes: number): Promise<void>
  freeDisk(): Promise<void>
  /** Removes the records' database, or its write-ahead log alone. */
  loseDatabase(part: 'all' | 'log'): Promise<void>
  remove(): Promise<void>
}

/** Something that is to be seen at a target. */
export interface Publication {
  readonly target: number
  /** undefined: it is no volume of the pool. */
  readonly volumeID: string | undefined
  readonly mode: 'rw' | 'ro'
  /** The volume was deleted, and is there only as long as it is mounted. */
  readonly isDeleted: boolean
}

/** Why this process cannot have a disk of its own for the pool; undefined: it can. */
export function whyNoDisk(): string | undefined {
  if (process.getuid?.() !== 0) return 'mounts and loop devices take root'
  try {
    execFileSync('mkfs.ext4', ['-V'], { stdio: 'ignore' })
    execFileSync('losetup', ['--find'], { stdio: 'ignore' })
    execFileSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'none', '/mnt'], { stdio: 'ignore' })
    return undefined
  } catch (error) {
    return `mounts, loop devices or mkfs.ext4 are not to be had here: ${String(error).split('\n')[0]}`
  }
}

/** Metadata is committed only when somebody syncs, and a rename flushes nothing by itself. */
const mountOptions = 'loop,commit=3600,noauto_da_alloc,nodiscard'
const diskMebibytes = 96

export async function createMachine(wantsDisk: boolean): Promise<Machine> {
  // What counts is the disk in the image; where that lies, a fast place saves most of the time.
  const isInMemory = wantsDisk && process.env.TMPDIR === undefined && existsSync('/dev/shm')
  const directory = await mkdtemp(join(isInMemory ? '/dev/shm' : tmpdir(), 'mooring-torture-'))
  const disk = join(directory, 'disk')
  const pool = join(disk, 'pool')
  const image = join(directory, 'disk.img')
  const targets = join(directory, 'targets')
  const stagings = join(directory, 'stagings')
  const elsewhere = join(directory, 'else', 'where')
  const ballast = join(disk, 'ballast')
  const unsynced = { log: join(directory, 'unsynced.log'), kept: join(disk, 'kept') }
  for (const path of [disk, targets, stagings, elsewhere]) await mkdir(path, { recursive: true })
  const linked = { targets: join(elsewhere, 'targets'), stagings: join(elsewhere, 'stagings') }
  await symlink(targets, linked.targets)
  await symlink(stagings, linked.stagings)
  if (wantsDisk) {
    await run('truncate', ['--size', `${diskMebibytes}M`, image])
    await run('mkfs.ext4', ['-q', '-m', '0', '-E', 'lazy_itable_init=0,lazy_journal_init=0', image])
    await run('mount', ['-o', mountOptions, image, disk])
  }

  const mountsBelow = async (path: string) =>
    (await readMountTable()).filter(({ mountPoint }) => mountPoint.startsWith(`${path}/`))
  const endMounts = async () => {
    // The last made goes first: another may lie below it.
    const mounts = [...(await mountsBelow(targets)), ...(await mountsBelow(disk))]
    for (const { mountPoint } of mounts.reverse()) await run('umount', [mountPoint])
    const { stdout } = await run('losetup', ['--list', '--noheadings', '--output', 'NAME,BACK-FILE'])
    for (const line of stdout.split('\n')) {
      const [device, ...file] = line.trim().split(/\s+/)
      if (device && file.join(' ').startsWith(`${disk}/`)) await run('losetup', ['--detach', device])
    }
    await rm(targets, { recursive: true })
    await mkdir(targets)
  }

  return {
    directory,
    pool,
    targets,
    stagings,
    linked,
    hasOwnDisk: wantsDisk,
    unsynced,
    async publications() {
      const mounted = (await mountsBelow(targets)).map(async (mount): Promise<Publication> => {
        const shown = await describeMount(mount)
        const isDeleted = /(?:\/\/deleted| \(deleted\))$/.test(shown)
        const [, volumeID] = /\/pool\/volumes\/([^/]+?)(?:\/\/deleted| \(deleted\))?$/.exec(shown) ?? []
        const mode = mount.options.includes('ro') ? 'ro' : 'rw'
        return { target: targetOf(mount.mountPoint), volumeID, mode, isDeleted }
      })
      const linkedTo = (await readdir(targets, { withFileTypes: true }))
        .filter((entry) => entry.isSymbolicLink())
        .map(async ({ name }): Promise<Publication> => {
          const path = await readlink(join(targets, name))
          const volumeID = path.startsWith(`${pool}/volumes/`) ? basename(path) : undefined
          return { target: targetOf(name), volumeID, mode: 'rw', isDeleted: !existsSync(path) }
        })
      return Promise.all([...mounted, ...linkedTo])
    },
    async cutPower() {
      // The image holds what has reached the disk; mounting it again is what a machine does after a cut.
      const after = `${image}.after`
      await run('cp', ['--sparse=always', image, after])
      await endMounts()
      await run('umount', [disk])
      await run('mv', [after, image])
      await run('mount', ['-o', mountOptions, image, disk])
      // That it was removed may have been lost as well.
      await rm(ballast, { force: true })
      await rm(unsynced.log, { force: true })
    },
    async cutFiles(coin) {
      if (wantsDisk) await endMounts()
      await cutUnsynced(unsynced, coin)
    },
    async reboot() {
      if (wantsDisk) await endMounts()
    },
    async fillDisk(freeKibibytes) {
      const { stdout } = await run('df', ['--block-size=1K', '--output=avail', disk])
      const availableKibibytes = Number(stdout.trim().split('\n').at(-1))
      const quickly = Math.max(0, availableKibibytes - 1_024)
      if (quickly > 0) await run('fallocate', ['--length', `${quickly}KiB`, ballast])
      // The rest to the last block, which the file system's own account may miss.
      const fill = ['if=/dev/zero', `of=${ballast}`, 'bs=4K', 'oflag=append', 'conv=notrunc,fsync']
      await run('dd', fill).catch((error: unknown) => {
        if (!/No space left/.test(String(error))) throw error
      })
      await run('truncate', ['--size', `-${freeKibibytes}K`, ballast])
    },
    async loseDatabase(part) {
      const files =
        part === 'log' ? ['metadata.db-wal'] : ['metadata.db', 'metadata.db-wal', 'metadata.db-shm']
      for (const file of files) await rm(join(pool, '.mooring', file), { force: true })
    },
    freeDisk: () => rm(ballast, { force: true }),
    async remove() {
      if (wantsDisk) {
        await endMounts()
        if (existsSync(disk)) await run('umount', [disk])
      }
      await rm(directory, { recursive: true, force: true })
    },
  }
}

const targetOf = (path: string): number => Number(basename(path).slice(1))

/** What a mount shows: the path of its directory in its file system, or the file behind its loop device. */
async function describeMount({ root, mountPoint }: Mount): Promise<string> {
  const [, device] = /^\/(loop\d+)$/.exec(root) ?? []
  if (device === undefined) return root
  const file = await readFile(`/sys/block/${device}/loop/backing_file`, 'utf8').catch(() => '')
  return file === '' ? `${mountPoint}: ${device}, which has no file` : file.trim()
}

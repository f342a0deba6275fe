import { join } from 'node:path'
import { type Clock, delay } from '../lib/clock.ts'
import { listLoopDevices } from './loop-devices.ts'
import {
  type MountTable,
  mountsOn,
  placeOf,
  readForeignTables,
  readMountTable,
  viewsOf,
} from './mount-table.ts'
import type { Pool } from './pool.ts'
import { inspectTarget, type PublishSource } from './publish-target.ts'
import type { VolumeRecord } from './records.ts'

type Publication = VolumeRecord['publications'][number]

/**
 * What a publication shows: the volume's directory, or the loop device of its file. undefined: its file has
 * no such device any more.
 */
export async function sourceOf(
  pool: Pool,
  { id, kind }: VolumeRecord,
  { readonly }: Pick<Publication, 'readonly'>,
): Promise<PublishSource | undefined> {
  const path = pool.volumePath(id)
  if (kind === 'mount') return { path, isDevice: false }
  const device = (await listLoopDevices(path)).find(({ ro }) => ro === readonly)
  return device && { path: device.name, isDevice: true }
}

/** Whether a publication is still to be seen at its path. */
export async function isPublished(
  pool: Pool,
  volume: VolumeRecord,
  publication: Publication,
): Promise<boolean> {
  const source = await sourceOf(pool, volume, publication)
  return source !== undefined && (await inspectTarget(publication, source)) !== 'nothing'
}

/** What stands against removing something, in words. */
export interface Uses {
  /** What the record says, and what the kernel says of this process's mounts. */
  readonly here: readonly string[]
  /** What other mount namespaces show. A program that is starting takes all mounts along for a moment. */
  readonly elsewhere: readonly string[]
}

/**
 * Everything that stands against removing a volume. The kernel is asked besides the record: it knows also
 * what other spellings of a path, other programs and lost records did.
 */
export async function describeUses(pool: Pool, volume: VolumeRecord): Promise<Uses> {
  const published: string[] = []
  for (const publication of volume.publications) {
    if (await isPublished(pool, volume, publication)) published.push(publication.path)
  }
  const devices = volume.kind === 'block' ? await listLoopDevices(pool.volumePath(volume.id)) : []
  const { here, elsewhere } = describeMounts(pool.volumesDirectory, volume.id)
  return {
    here: [
      ...published.map((path) => `published at ${path}`),
      ...volume.stagings.map(({ path }) => `staged at ${path}`),
      ...volume.attachments.map(({ nodeID }) => `attached to node ${nodeID}`),
      ...devices.map(({ name }) => `shown by the loop device ${name} (losetup --detach ${name} ends that)`),
      ...here.filter((text) => !published.some((path) => text === `mounted at ${path}`)),
    ],
    elsewhere,
  }
}

/**
 * Mounts of an entry of a directory, and mounts on it or in it, in all mount namespaces that this process may
 * see. The entry is looked for beneath what covers it.
 */
export function describeMounts(directory: string, entry: string): Uses {
  const own = readMountTable()
  const parent = placeOf(directory, own)
  // Without /proc nothing is known.
  if (parent === undefined) return { here: [], elsewhere: [] }
  const place = { device: parent.device, path: join(parent.path, entry) }
  const describe = (table: MountTable, where: string) => [
    ...viewsOf(place, table).map(({ mountPoint }) => `mounted at ${mountPoint}${where}`),
    ...mountsOn(place, table).map(
      ({ mountPoint, fsType }) => `covered by a mount of ${fsType} at ${mountPoint}${where}`,
    ),
  ]
  return {
    here: describe(own, ''),
    elsewhere: readForeignTables().flatMap(({ processID, table }) =>
      describe(table, ` in the mount namespace of process ${processID}`),
    ),
  }
}

/** How long a mount that only other namespaces show may take to go, before it stands against a removal. */
const passingMountMs = 1_000
const askAgainMs = 50

/** Asks until nothing stands against a removal, or until what does is there to stay. Gives that, in words. */
export async function settledUses(clock: Clock, ask: () => Promise<Uses> | Uses): Promise<string[]> {
  for (let waitedMs = 0; ; waitedMs += askAgainMs) {
    const { here, elsewhere } = await ask()
    if (here.length > 0 || elsewhere.length === 0 || waitedMs >= passingMountMs)
      return [...here, ...elsewhere]
    await delay(clock, askAgainMs)
  }
}

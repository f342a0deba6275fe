import { listLoopDevices } from './loop-devices.ts'
import { describeMounts, type Uses } from './mount-uses.ts'
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

/** Whether a workload still sees a publication at its path. */
export async function isPublished(
  pool: Pool,
  volume: VolumeRecord,
  publication: Publication,
): Promise<boolean> {
  const source = await sourceOf(pool, volume, publication)
  return source !== undefined && (await inspectTarget(publication, source)) !== 'nothing'
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
  const { here, elsewhere } = await describeMounts(pool.volumesDirectory, volume.id)
  return {
    here: [
      ...published.map((path) => `published at ${path}`),
      ...volume.stagings.map(({ path }) => `staged at ${path}`),
      ...volume.attachments.map(({ nodeID }) => `attached to node ${nodeID}`),
      ...here.filter((text) => !published.some((path) => text === `mounted at ${path}`)),
    ],
    // One that was detached stays for as long as somebody, such as udev, has it open.
    elsewhere: [
      ...devices.map(({ name }) => `shown by the loop device ${name} (losetup --detach ${name} ends that)`),
      ...elsewhere,
    ],
  }
}

import { join } from 'node:path'
import { type Clock, delay } from '../lib/clock.ts'
import { type MountTable, mountsOn, placeOf, readAllTables, viewsOf } from './mount-table.ts'

/** What stands against removing something, in words. */
export interface Uses {
  /** What the record says, and what the kernel says of this process's mounts. */
  readonly here: readonly string[]
  /**
   * What may pass by itself: what other mount namespaces show, as a program that is starting takes all mounts along for a
   * moment, and loop devices.
   */
  readonly elsewhere: readonly string[]
}

/**
 * Mounts of an entry of a directory, and mounts on it or in it, in all mount namespaces that this process may
 * see. The entry is looked for beneath what covers it.
 */
export async function describeMounts(directory: string, entry: string): Promise<Uses> {
  const { own, foreign } = await readAllTables()
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
    elsewhere: foreign.flatMap(({ processID, table }) =>
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

import { UsageError } from '../lib/errors.ts'
import { connectAdmin } from './admin/admin-client.ts'
import { findOrphans } from './admin/find-orphans.ts'
import { formatPlace } from './declare/declaration.ts'
import { createMemoryInventory } from './inventory/memory-inventory.ts'
import { openPartsOnce } from './open-parts.ts'
import { operatorDirectory } from './operator-directory.ts'
import type { Orphans } from './plan/orphans.ts'
import type { ClusterSettings } from './settings.ts'
import { type AdminFlags, assertNoCluster, readInventory } from './with-admin.ts'

/**
 * Asks the operator that runs on the data directory what nothing declares. Where none runs, this process looks.
 * @param source the folders that are named; undefined: whatever the running operator reads
 * @throws UsageError where no operator runs and nothing says what is declared, or it cannot be read whole
 */
export async function findOrphansOnce(
  { dataDir, cluster }: AdminFlags,
  source: readonly string[] | undefined,
  settingsFor: (source: readonly string[]) => ClusterSettings,
): Promise<Orphans> {
  const running = await connectAdmin(operatorDirectory(dataDir), cluster)
  if (running !== undefined) {
    try {
      return await running.orphans()
    } finally {
      await running.close()
    }
  }
  assertNoCluster(cluster)
  if (source === undefined) {
    throw new UsageError('no operator runs here, so nothing says what is declared: give --source FOLDER')
  }
  const { contents, keyedHash } = await readInventory(dataDir)
  const parts = await openPartsOnce({ cluster: settingsFor(source), keyedHash })
  try {
    const readings = await Promise.all(parts.sources.map((each) => each.read()))
    const [problem] = readings.flatMap(({ problems }) => problems)
    if (problem !== undefined) {
      throw new UsageError(
        `${formatPlace(problem.place)}: ${problem.message}. Until every file can be read, nobody knows what is declared: correct it first`,
      )
    }
    const declarations = readings.flatMap((reading) => reading.declarations)
    const records = createMemoryInventory(contents, keyedHash).list()
    return await findOrphans({
      client: parts.client,
      managed: () => ({ records, released: contents.released, declarations }),
    })
  } finally {
    await parts.close()
  }
}

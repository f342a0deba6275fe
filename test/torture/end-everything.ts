import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { PluginClient } from '../../src/csi/plugin-client.ts'
import type { DriverLife } from './driver-life.ts'
import { stagingCount, targetCount } from './history.ts'
import { Violation } from './model.ts'
import type { RunningHistory } from './run-history.ts'

/** However far things came, all of it can be taken back, on a full disk, too, and nothing is left. */
export async function endEverything(
  { machine, poolBytes, mayHaveFailed }: RunningHistory,
  life: DriverLife,
): Promise<void> {
  const client = life.createClient()
  try {
    await machine.fillDisk(0)
    await endVolumes(client, machine.targets, machine.stagings)
    await endSnapshots(client)
  } catch (error) {
    throw new Violation(`not everything can be ended on a full disk: ${String(error)}`, { cause: error })
  } finally {
    await machine.freeDisk()
  }
  try {
    const { availableCapacity } = await client.getCapacity({})
    if (Number(availableCapacity) !== poolBytes) {
      throw new Violation(
        `the pool is empty, and only ${availableCapacity} of ${poolBytes} bytes are available`,
      )
    }
  } finally {
    client.close()
  }
  // Where its removal was made to fail, an empty mount point may stay.
  const left = mayHaveFailed ? [] : await readdir(machine.targets)
  for (const kind of ['volumes', 'snapshots']) left.push(...(await readdir(join(machine.pool, kind))))
  if (left.length > 0) throw new Violation(`after everything was ended there is still ${left.join(', ')}`)
}

async function endVolumes(client: PluginClient, targets: string, stagings: string): Promise<void> {
  for (const { volume } of await client.listAllVolumes({})) {
    await endVolume(client, volume?.volumeId ?? '', { targets, stagings })
  }
}

/** Takes a volume back from wherever it was brought to, and deletes it. */
export async function endVolume(
  client: PluginClient,
  volumeId: string,
  { targets, stagings }: { readonly targets: string; readonly stagings: string },
): Promise<void> {
  for (let target = 0; target < targetCount; target++) {
    await client.nodeUnpublishVolume({ volumeId, targetPath: join(targets, `t${target}`) })
  }
  for (let place = 0; place < stagingCount; place++) {
    await client.nodeUnstageVolume({ volumeId, stagingTargetPath: join(stagings, `s${place}`) })
  }
  await client.controllerUnpublishVolume({ volumeId })
  await client.deleteVolume({ volumeId })
}

async function endSnapshots(client: PluginClient): Promise<void> {
  const groups = new Map<string, string[]>()
  for (const { snapshot } of await client.listAllSnapshots({})) {
    const { snapshotId = '', groupSnapshotId = '' } = snapshot ?? {}
    if (groupSnapshotId === '') await client.deleteSnapshot({ snapshotId })
    else groups.set(groupSnapshotId, [...(groups.get(groupSnapshotId) ?? []), snapshotId])
  }
  for (const [groupSnapshotId, snapshotIds] of groups) {
    await client.deleteVolumeGroupSnapshot({ groupSnapshotId, snapshotIds })
  }
}

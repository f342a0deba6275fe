import type { FileOperations } from './file-operations.ts'
import { type MountTable, mountOf } from './mount-table.ts'
import type { VolumeRecord } from './records.ts'
import { ToolError } from './run-tool.ts'

/** Holds directories to their capacity, or says why nothing does. */
export type Quota =
  | {
      readonly type: 'enforced'
      /** Makes a project of an empty directory, with a limit for all that will be below it. */
      begin(path: string, projectID: number, limitBytes: number): Promise<void>
      /** Sets the limit of a project. 0 takes it away. */
      limit(projectID: number, limitBytes: number): Promise<void>
    }
  | { readonly type: 'absent'; readonly reason: string }

/** Project IDs from here on are the driver's: far above what people choose by hand. */
const firstProjectID = 1_296_000_000

/** An ID that no volume of the pool has. */
export function chooseProjectID(volumes: readonly VolumeRecord[]): number {
  return Math.max(firstProjectID, ...volumes.map(({ projectID = 0 }) => projectID + 1))
}

/**
 * Project quotas of the pool's file system (XFS, ext4), by xfs_quota, which speaks to both. The file
 * system has to be mounted with them, and the tool has to be there.
 */
export async function detectQuota(
  poolDirectory: string,
  mounts: MountTable,
  { run }: Pick<FileOperations, 'run'>,
): Promise<Quota> {
  const mount = mountOf(poolDirectory, mounts)
  if (mount === undefined || !mount.superOptions.some((option) => /^(prjquota|pquota)$/.test(option))) {
    return { type: 'absent', reason: 'the pool’s file system is not mounted with prjquota' }
  }
  // xfs_quota splits its commands at white space.
  if (/\s/.test(poolDirectory) || /\s/.test(mount.mountPoint)) {
    return { type: 'absent', reason: 'xfs_quota takes no path with white space' }
  }
  const change = (command: string) => run('xfs_quota', ['-f', '-x', '-c', command, mount.mountPoint])
  try {
    await change(`limit -p bhard=0 ${firstProjectID}`)
  } catch (error) {
    if (!(error instanceof ToolError)) throw error
    return { type: 'absent', reason: error.message }
  }
  const limit = async (projectID: number, limitBytes: number) => {
    await change(`limit -p bhard=${limitBytes} ${projectID}`)
  }
  return {
    type: 'enforced',
    limit,
    async begin(path, projectID, limitBytes) {
      await change(`project -s -p ${path} ${projectID}`)
      await limit(projectID, limitBytes)
    },
  }
}

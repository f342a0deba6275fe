import { statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { Server, ServerCredentials } from '@grpc/grpc-js'
import { loadContract } from '../csi/contract.ts'
import type { Clock } from '../lib/clock.ts'
import { UsageError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { packageVersion } from '../lib/version.ts'
import { createBackgroundTasks } from './background-tasks.ts'
import { createCapacityLedger } from './capacity-ledger.ts'
import { createControllerHandlers } from './controller.ts'
import { detectCopyView } from './copy-view.ts'
import type { DriverContext } from './driver-context.ts'
import { removeFile } from './durable-files.ts'
import { clearSocket, socketPath } from './endpoint.ts'
import { type FileOperations, systemFileOperations } from './file-operations.ts'
import { createGroupControllerHandlers } from './group-controller.ts'
import { createIdentityHandlers } from './identity.ts'
import { canUseLoopDevices } from './loop-devices.ts'
import { mountOf, readMountTable } from './mount-table.ts'
import { createNodeHandlers } from './node.ts'
import { createOperationLocks } from './operation-locks.ts'
import { makeDirectories, openPool } from './pool.ts'
import { canBindMount, type PublishMethod } from './publish-target.ts'
import { detectQuota } from './quota.ts'
import { recoverPool } from './recover-pool.ts'
import { addHandlers } from './serve.ts'
import { createTrash } from './trash.ts'
import { requireTrustedParent } from './trusted-files.ts'

export interface DriverOptions {
  /** `unix:///path`. A socket that a killed driver left there is taken over. */
  readonly endpoint: string
  /** Where volumes and snapshots are kept. Made if it is not there. */
  readonly poolDirectory: string
  /** The node's name in answers. At most 256 bytes. */
  readonly nodeID: string
  /** Topology segments of this machine. Default: none. */
  readonly topology?: Readonly<Record<string, string>>
  /** `auto`: by bind mount where this process may mount, otherwise by symbolic link. Default: auto. */
  readonly publish?: PublishMethod | 'auto'
  /** What all volumes together may be promised, in bytes. Default: the size of the pool's file system. */
  readonly poolBytes?: number
  /** How long CreateSnapshot waits for its copy, in milliseconds. Default: 2 s. */
  readonly snapshotWaitMs?: number
  /** By which alone the disk is changed. Default: the system's. Tests make them fail. */
  readonly files?: FileOperations
  readonly log: Log
  readonly clock: Clock
}

/** How long close waits for calls under way before it cuts them off. */
const longestDrainMs = 10_000

/** A running driver. */
export interface Driver {
  /** As clients dial it. */
  readonly endpoint: string
  /** Where each volume is a directory (or file) under its ID. */
  readonly volumesDirectory: string
  /** Answers no new calls, lets those under way end, stops copies (they go on at the next start). */
  close(): Promise<void>
}

/**
 * Starts the CSI plugin whose volumes are directories of a pool. It answers once the pool is whole.
 * @throws UsageError for an endpoint or pool that cannot be used
 */
export async function startDriver(options: DriverOptions): Promise<Driver> {
  const { log, clock, topology = {}, snapshotWaitMs = 2_000, files = systemFileOperations } = options
  if (options.nodeID === '' || Buffer.byteLength(options.nodeID) > 256) {
    throw new UsageError('the node ID has to be of 1 to 256 bytes')
  }
  const path = socketPath(options.endpoint)
  await makeDirectories(files, dirname(path))
  requireTrustedParent(dirname(path))
  await clearSocket(files, path)
  const pool = await openPool(options.poolDirectory, { files, clock, log })
  const tasks = createBackgroundTasks(log)
  const server = new Server()
  const close = async () => {
    const cancelForce = clock.after(longestDrainMs, () => server.forceShutdown())
    await Promise.all([
      new Promise<void>((resolve) => server.tryShutdown(() => resolve())),
      // Copies may take long. They end now, and snapshots go on at the next start.
      tasks.close(),
    ])
    cancelForce()
    await removeFile(files, path)
    pool.close()
  }
  try {
    const mounts = readMountTable()
    const context: DriverContext = {
      pool,
      files,
      ledger: createCapacityLedger(() => options.poolBytes ?? fileSystemBytes(pool.directory)),
      locks: createOperationLocks(),
      tasks,
      trash: createTrash({ files, tasks, clock, log }),
      faults: new Map(),
      clock,
      log,
      nodeID: options.nodeID,
      topology,
      fsType: mountOf(pool.directory, mounts)?.fsType ?? '',
      quota: await detectQuota(pool.directory, mounts, files),
      copyView: await detectCopyView(files, pool.internalDirectory),
      hasLoopDevices: await canUseLoopDevices(files, pool.internalDirectory),
      publishMethod: await choosePublishMethod(files, options.publish ?? 'auto', pool.internalDirectory),
      snapshotWaitMs,
    }
    await recoverPool(context)
    const { identity, controller, groupController, node } = loadContract()
    addHandlers(server, identity, createIdentityHandlers(context, packageVersion()), context)
    addHandlers(server, controller, createControllerHandlers(context), context)
    addHandlers(server, groupController, createGroupControllerHandlers(context), context)
    addHandlers(server, node, createNodeHandlers(context), context)
    const endpoint = `unix://${path}`
    await bind(server, endpoint)
    await files.chmod(path, 0o600)
    log.info({ endpoint, pool: pool.directory, node: options.nodeID }, 'driver ready')
    return { endpoint, volumesDirectory: pool.volumesDirectory, close }
  } catch (error) {
    server.forceShutdown()
    await tasks.close()
    pool.close()
    throw error
  }
}

async function choosePublishMethod(
  files: FileOperations,
  wanted: PublishMethod | 'auto',
  directory: string,
): Promise<PublishMethod> {
  if (wanted === 'symlink') return 'symlink'
  const canMount = await canBindMount(files, directory)
  if (wanted === 'bind' && !canMount) {
    throw new UsageError('this process may not mount (that takes root): use --publish symlink or auto')
  }
  return canMount ? 'bind' : 'symlink'
}

function fileSystemBytes(directory: string): number {
  const { blocks, bsize } = statfsSync(directory)
  return blocks * bsize
}

function bind(server: Server, endpoint: string): Promise<void> {
  return new Promise((resolve, reject) =>
    server.bindAsync(endpoint, ServerCredentials.createInsecure(), (error) =>
      error ? reject(new UsageError(`cannot listen on ${endpoint}: ${error.message}`)) : resolve(),
    ),
  )
}

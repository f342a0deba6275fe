import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { vi } from 'vitest'
import { createPluginClient, type PluginClient } from '../../src/csi/plugin-client.ts'
import { type Driver, type DriverOptions, startDriver } from '../../src/driver/driver.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { silentLog } from '../../src/lib/log.ts'

/** A directory that is removed with everything in it. */
export async function temporaryDirectory(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'mooring-'))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}

export interface RunningDriver {
  readonly client: PluginClient
  readonly pool: string
  readonly endpoint: string
  close(): Promise<void>
}

/** A driver in this process on a real socket, in a directory that exists already. */
export async function runDriver(
  directory: string,
  options: Partial<DriverOptions> = {},
): Promise<RunningDriver> {
  const pool = join(directory, 'pool')
  const driver: Driver = await startDriver({
    endpoint: `unix://${directory}/csi.sock`,
    poolDirectory: pool,
    nodeID: 'node-1',
    log: silentLog,
    clock: systemClock,
    ...options,
  })
  const client = createPluginClient({ pluginID: 'driver', endpoint: driver.endpoint })
  return {
    client,
    pool,
    endpoint: driver.endpoint,
    async close() {
      client.close()
      await driver.close()
    },
  }
}

const driverProcess = fileURLToPath(new URL('./driver-process.ts', import.meta.url))

/** A driver in a process of its own, to be killed. Resolves when it answers. */
export async function spawnDriver(
  directory: string,
  { environment = {}, user }: { environment?: Record<string, string>; user?: number } = {},
): Promise<RunningDriver & { process: ChildProcess; kill(): Promise<void> }> {
  const endpoint = `unix://${directory}/csi.sock`
  const pool = join(directory, 'pool')
  const child = spawn(
    process.execPath,
    [driverProcess, '--endpoint', endpoint, '--pool', pool, '--node-id', 'node-1', '--log-level', 'warn'],
    {
      stdio: ['pipe', 'ignore', 'inherit'],
      env: { ...process.env, ...environment },
      ...(user !== undefined && { uid: user, gid: user }),
    },
  )
  const exited = once(child, 'exit')
  const client = createPluginClient({ pluginID: 'driver', endpoint, connectTimeoutMs: 500 })
  await vi.waitFor(() => client.probe({}), { timeout: 20_000, interval: 20 })
  const kill = async () => {
    client.close()
    child.kill('SIGKILL')
    await exited
  }
  return {
    client,
    pool,
    endpoint,
    process: child,
    kill,
    async close() {
      client.close()
      child.kill('SIGTERM')
      await exited
    },
  }
}

/** What people see in a pool: the entries of volumes/, snapshots/ and the driver's staging. */
export async function listPool(pool: string) {
  const visible = async (path: string) => (await readdir(join(pool, path))).sort()
  return {
    volumes: (await visible('volumes')).filter((entry) => !entry.startsWith('.')),
    volumeSidecars: (await visible('volumes')).filter((entry) => entry.startsWith('.')),
    snapshots: (await visible('snapshots')).filter((entry) => !entry.startsWith('.')),
    snapshotSidecars: (await visible('snapshots')).filter((entry) => entry.startsWith('.')),
    staging: (
      await Promise.all((await visible('.mooring/staging')).map((run) => visible(`.mooring/staging/${run}`)))
    ).flat(),
  }
}

export const mountCapability = {
  mount: {},
  accessMode: { mode: 'SINGLE_NODE_WRITER' },
} as const

export const mebibyte = 2n ** 20n

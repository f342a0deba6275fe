import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, open, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { createPluginClient, type PluginClient } from '../src/csi/plugin-client.ts'
import { startDriver } from '../src/driver/driver.ts'
import { mountOf, readMountTable } from '../src/driver/mount-table.ts'
import { systemClock } from '../src/lib/clock.ts'
import { silentLog } from '../src/lib/log.ts'

const capability = { mount: {}, accessMode: { mode: 'SINGLE_NODE_WRITER' } } as const
const volumes = (name: string, more: object = {}) => ({
  name,
  volumeCapabilities: [capability],
  capacityRange: { requiredBytes: 2n ** 20n },
  ...more,
})

/**
 * The driver over its real socket: what a snapshot and a restore take beside a plain `cp` and `sync` of the
 * same bytes on the same disk, taken in turns, and how many small calls go through.
 * Written to bench-results/driver.json.
 *   --directory DIR   where the pool is made (default: the system's directory for temporary files)
 *   --mebibytes N     size of the big volume (default 1024)   --rounds N   (default 3)
 *   --volumes N       how many small volumes (default 300)
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      directory: { type: 'string', default: tmpdir() },
      mebibytes: { type: 'string', default: '1024' },
      rounds: { type: 'string', default: '3' },
      volumes: { type: 'string', default: '300' },
    },
  })
  const directory = await mkdtemp(join(values.directory, 'mooring-bench-'))
  const pool = join(directory, 'pool')
  const driver = await startDriver({
    endpoint: `unix://${directory}/csi.sock`,
    poolDirectory: pool,
    nodeID: 'bench',
    clock: systemClock,
    log: silentLog,
    snapshotWaitMs: 600_000,
  })
  const client = createPluginClient({ pluginID: 'bench', endpoint: driver.endpoint })
  try {
    const report = {
      at: new Date().toISOString(),
      node: process.version,
      fileSystem: mountOf(directory, readMountTable())?.fsType,
      cpus: cpus().length,
      copies: await measureCopies(client, pool, Number(values.mebibytes), Number(values.rounds)),
      calls: await measureCalls(client, Number(values.volumes)),
    }
    const text = `${JSON.stringify(report, null, 2)}\n`
    const results = fileURLToPath(new URL('../bench-results', import.meta.url))
    await mkdir(results, { recursive: true })
    await writeFile(join(results, 'driver.json'), text)
    process.stdout.write(text)
  } finally {
    client.close()
    await driver.close()
    await rm(directory, { recursive: true })
  }
}

async function measureCopies(client: PluginClient, pool: string, mebibytes: number, rounds: number) {
  const capacityRange = { requiredBytes: BigInt(mebibytes + 16) * 2n ** 20n }
  await client.createVolume(volumes('big', { capacityRange }))
  const source = join(pool, 'volumes/big')
  await fillFile(join(source, 'data'), mebibytes)
  // As big again, and nothing but a hole.
  await promisify(execFile)('truncate', [`--size=${mebibytes}M`, join(source, 'sparse')])
  await client.createSnapshot({ name: 'base', sourceVolumeId: 'big' })
  const wanted = await digest(join(source, 'data'))

  const results = { plainCopyMs: [] as number[], snapshotMs: [] as number[], restoreMs: [] as number[] }
  let isSame = true
  let sparseBlocks = 0
  const copy = join(pool, 'plain')
  const steps = [
    async () => {
      const ms = await timed(async () => {
        await promisify(execFile)('cp', ['-a', '--reflink=auto', '--sparse=always', source, copy])
        await promisify(execFile)('sync', ['--file-system', copy])
      })
      results.plainCopyMs.push(ms)
      await rm(copy, { recursive: true })
    },
    async () => {
      results.snapshotMs.push(await timed(() => client.createSnapshot({ name: 's', sourceVolumeId: 'big' })))
      await client.deleteSnapshot({ snapshotId: 's' })
    },
    async () => {
      const request = volumes('restored', {
        volumeContentSource: { snapshot: { snapshotId: 'base' } },
        capacityRange: null,
      })
      results.restoreMs.push(await timed(() => client.createVolume(request)))
      const restored = join(pool, 'volumes/restored')
      isSame &&= (await digest(join(restored, 'data'))) === wanted
      sparseBlocks = Math.max(sparseBlocks, (await stat(join(restored, 'sparse'))).blocks)
      await client.deleteVolume({ volumeId: 'restored' })
    },
  ]
  // Disks get slower as they are written to, so each of the three goes first, second and last in turn.
  for (let turn = 0; turn < rounds * steps.length; turn++) {
    await steps[(turn + Math.floor(turn / steps.length)) % steps.length]?.()
    await untilFreed(pool)
  }
  await client.deleteSnapshot({ snapshotId: 'base' })
  await client.deleteVolume({ volumeId: 'big' })
  return {
    mebibytes,
    ...results,
    snapshotOverheadMs: Math.round(median(results.snapshotMs) - median(results.plainCopyMs)),
    restoreOverheadMs: Math.round(median(results.restoreMs) - median(results.plainCopyMs)),
    restoredBytesAreTheSame: isSame,
    sparseFileBlocksAfterRestore: sparseBlocks,
  }
}

/** The driver frees what it deleted behind its answer; the next measurement waits for that. */
async function untilFreed(pool: string): Promise<void> {
  const staging = join(pool, '.mooring/staging')
  const [run = ''] = await readdir(staging)
  while ((await readdir(join(staging, run))).length > 0) await sleep(10)
  await promisify(execFile)('sync', ['--file-system', pool])
}

async function measureCalls(client: PluginClient, count: number) {
  const names = Array.from({ length: count }, (_, index) => `small-${index}`)
  const oneByOne = names.slice(0, Math.ceil(count / 4))
  const createMs: number[] = []
  for (const name of oneByOne) createMs.push(await timed(() => client.createVolume(volumes(name))))
  const together = names.slice(oneByOne.length)
  const togetherMs = await timed(() =>
    Promise.all(together.map((name) => client.createVolume(volumes(name)))),
  )
  const listMs: number[] = []
  for (let round = 0; round < 50; round++) listMs.push(await timed(() => client.listAllVolumes({})))
  const deleteMs = await timed(() => Promise.all(names.map((volumeId) => client.deleteVolume({ volumeId }))))
  return {
    volumes: count,
    createMs: { p50: quantile(createMs, 0.5), p99: quantile(createMs, 0.99) },
    createsPerSecondSixteenAtOnce: Math.round((together.length * 1000) / togetherMs),
    listAllMs: { p50: quantile(listMs, 0.5), p99: quantile(listMs, 0.99) },
    deletesPerSecondSixteenAtOnce: Math.round((count * 1000) / deleteMs),
  }
}

async function fillFile(path: string, mebibytes: number): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true })
  const file = await open(path, 'w')
  for (let written = 0; written < mebibytes; written++) await file.write(randomBytes(2 ** 20))
  await file.close()
}

async function digest(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now()
  await work()
  return Math.round((performance.now() - startedMs) * 100) / 100
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

const median = (values: readonly number[]) => quantile(values, 0.5)

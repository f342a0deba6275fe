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
import { measureCalls, quantile, timed, volumes } from './driver-calls.ts'

/**
 * The driver over its real socket: what a snapshot and a restore take beside a plain `cp` and `sync` of the
 * same bytes on the same disk, taken in turns, and creates and deletes beside an empty call, and beside bare mkdir,
 * fsync and rename.
 * Written to bench-results/driver.json.
 *   --directory DIR   where the pool is made (default: the system's directory for temporary files)
 *   --mebibytes N     size of the big volume (default 1024)   --rounds N   (default 3)
 *   --volumes N       how many small volumes (default 1000)
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      directory: { type: 'string', default: tmpdir() },
      mebibytes: { type: 'string', default: '1024' },
      rounds: { type: 'string', default: '3' },
      volumes: { type: 'string', default: '1000' },
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
      calls: await measureCalls(client, directory, Number(values.volumes)),
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

const median = (values: readonly number[]) => quantile(values, 0.5)

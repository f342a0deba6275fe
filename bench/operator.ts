import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Pool } from 'undici'
import { startMooring } from './mooring-process.ts'
import {
  declaration,
  declare,
  difference,
  forEachAtOnce,
  namesOf,
  pluginID,
  progress,
  request,
  startOperator,
  untilReady,
  volumeBody,
  waitFor,
} from './operator-process.ts'
import { plotLines } from './plot.ts'
import { measureScale, startMemoryNomad, startMooringServer } from './scale.ts'

/** The operator's own limit for one plugin, and so the floor's. */
const callsAtOnce = 4

/**
 * The operator, a process of its own. Convergence is over `mooring server`, another, and `mooring driver`, a third, and
 * its floor is what the same calls take that the operator made, sent by a plain client with as many at once to the same
 * server, before and after it. What is measured as the number of volumes grows is over an API in memory, and at the
 * size of `--server` over `mooring server` with a plugin in memory. Written to bench-results/operator.json, and the slope
 * to bench-results/operator.svg.
 *   --new N      volumes to converge (default 1000; 0 leaves it out)     --rounds N  (default 3)
 *   --sizes N,…  volumes that are there (default 1000,10000,100000)     --server N  (default 10000; 0 leaves it out)
 *   --changes N  changes one by one (default 100)                       --batch N   that come and go (default 1000)
 *   --node FLAG  for the operator's Node, such as --cpu-prof
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      new: { type: 'string', default: '1000' },
      rounds: { type: 'string', default: '3' },
      sizes: { type: 'string', default: '1000,10000,100000' },
      server: { type: 'string', default: '10000' },
      changes: { type: 'string', default: '100' },
      batch: { type: 'string', default: '1000' },
      node: { type: 'string', multiple: true, default: [] },
    },
  })
  const common = { changes: Number(values.changes), batch: Number(values.batch), nodeFlags: values.node }
  const convergence =
    values.new === '0'
      ? undefined
      : await inTemporaryDirectory((directory) =>
          measureConvergence(directory, Number(values.new), Number(values.rounds)),
        )
  const scale: Awaited<ReturnType<typeof measureScale>>[] = []
  const measure = (count: number, isMemory: boolean) =>
    inTemporaryDirectory(async (directory) => {
      const farSide = isMemory ? await startMemoryNomad() : await startMooringServer(directory)
      try {
        scale.push(await measureScale({ ...common, directory, farSide, count }))
      } finally {
        await farSide.stop()
      }
    })
  for (const size of values.sizes.split(',').map(Number)) if (size > 0) await measure(size, true)
  if (values.server !== '0') await measure(Number(values.server), false)
  const report = {
    at: new Date().toISOString(),
    node: process.version,
    cpu: cpus()[0]?.model,
    cpus: cpus().length,
    memoryBytes: totalmem(),
    ...(convergence && { convergence }),
    scale,
  }
  const text = `${JSON.stringify(report, null, 2)}\n`
  const results = fileURLToPath(new URL('../bench-results', import.meta.url))
  mkdirSync(results, { recursive: true })
  writeFileSync(join(results, 'operator.json'), text)
  writeFileSync(join(results, 'operator.svg'), plotSlope(scale))
  process.stdout.write(text)
}

/** How the time of each thing grows with the number of declarations. */
function plotSlope(scale: readonly Awaited<ReturnType<typeof measureScale>>[]): string {
  const inMemory = scale.filter(({ farSide }) => farSide === 'memory')
  const line = (name: string, of: (each: (typeof inMemory)[number]) => number) => ({
    name,
    points: inMemory.map((each) => ({ x: each.volumes, y: Math.max(1, of(each)) })),
  })
  return plotLines({
    title: 'As declarations become more (API in memory)',
    x: 'declarations',
    y: 'ms',
    lines: [
      line('declared change', (each) => each.declaredChangeMs.p50),
      line('outside change', (each) => each.outsideChangeMs.p50),
      line('floor of one change', (each) => each.floorOfOneChangeMs.p50),
      line('resync', (each) => each.resync[1]?.tookMs ?? 0),
      line('restart, first change', (each) => each.restart.firstChangeMs),
      line('restart, all checked', (each) => each.restart.allCheckedMs),
    ],
  })
}

async function measureConvergence(directory: string, count: number, rounds: number) {
  const endpoint = `unix://${directory}/csi.sock`
  const driver = startMooring(['driver', '--endpoint', endpoint, '--pool', join(directory, 'pool')])
  await waitFor(async () => existsSync(join(directory, 'csi.sock')))
  const server = await startServer(directory, endpoint)
  const pool = new Pool(server.url, { connections: callsAtOnce })
  try {
    const floorsMs: number[] = []
    const operatorsMs: number[] = []
    let calls: Readonly<Record<string, number>> = {}
    let isFirst = true
    for (let round = 0; round < rounds; round++) {
      // The first operator only finds out which calls it makes.
      if (isFirst) {
        calls = (await converge(directory, server.url, count, 'first')).calls
        await deleteVolumes(pool, 'first', count)
      }
      isFirst = false
      floorsMs.push(await callPlainly(pool, `before-${round}`, count, calls))
      await deleteVolumes(pool, `before-${round}`, count)
      const measured = await converge(directory, server.url, count, `round-${round}`)
      operatorsMs.push(measured.tookMs)
      await deleteVolumes(pool, `round-${round}`, count)
      floorsMs.push(await callPlainly(pool, `after-${round}`, count, calls))
      await deleteVolumes(pool, `after-${round}`, count)
    }
    const ratios = operatorsMs.map((tookMs, round) => {
      const [before = 0, after = 0] = floorsMs.slice(2 * round)
      return round2(tookMs / ((before + after) / 2))
    })
    return {
      volumes: count,
      callsAtOnce,
      calls,
      floorMs: floorsMs.map(Math.round),
      operatorMs: operatorsMs.map(Math.round),
      // Of each round to the floors right before and right after it: the machine may change meanwhile.
      ratios,
      ratio: median(ratios),
    }
  } finally {
    await pool.destroy()
    await server.process.stop()
    await driver.stop()
  }
}

/** From the moment that a file declares the volumes until the operator has said of each that it is ready. */
async function converge(directory: string, url: string, count: number, name: string) {
  const operator = await startOperator(join(directory, name), url)
  try {
    const ready = untilReady(operator.process, count)
    const before = await operator.calls()
    const startMs = performance.now()
    declare(
      operator.source,
      'volumes.yaml',
      namesOf(name, count).map((volume) => declaration(volume, 'capacity: {min: 1Mi}')),
    )
    await ready
    const tookMs = performance.now() - startMs
    progress(`operator: ${count} new volumes in ${Math.round(tookMs)} ms`)
    return { tookMs, calls: difference(before, await operator.calls()) }
  } finally {
    await operator.process.stop()
  }
}

/** Of the calls that the operator made, those that it makes for each volume. */
async function callPlainly(
  pool: Pool,
  name: string,
  count: number,
  calls: Readonly<Record<string, number>>,
): Promise<number> {
  const times = (operation: string) => Math.round((calls[operation] ?? 0) / count)
  const startMs = performance.now()
  await forEachAtOnce(namesOf(name, count), callsAtOnce, async (volume) => {
    for (let time = 0; time < times('read_namespace'); time++)
      await request(pool, 'GET', '/v1/namespace/default')
    await request(pool, 'PUT', `/v1/volume/csi/${volume}/create`, {
      Volumes: [{ ...volumeBody(volume), RequestedCapacityMin: 2 ** 20 }],
    })
    for (let time = 0; time < times('read_volume'); time++)
      await request(pool, 'GET', `/v1/volume/csi/${volume}`)
  })
  const tookMs = performance.now() - startMs
  progress(`floor: the same calls in ${Math.round(tookMs)} ms`)
  return tookMs
}

function deleteVolumes(pool: Pool, name: string, count: number): Promise<void> {
  return forEachAtOnce(namesOf(name, count), callsAtOnce, (volume) =>
    request(pool, 'DELETE', `/v1/volume/csi/${volume}/delete`),
  )
}

async function startServer(directory: string, endpoint: string) {
  const process_ = startMooring([
    ...['server', '--http', '127.0.0.1:0', '--log-level', 'info', '--data-dir', join(directory, 'server')],
    ...['--plugin', `${pluginID}=${endpoint}`],
  ])
  const { url } = await process_.logged('server listens')
  return { process: process_, url: String(url) }
}

async function inTemporaryDirectory<Result>(work: (directory: string) => Promise<Result>): Promise<Result> {
  const directory = mkdtempSync(join(tmpdir(), 'mooring-bench-'))
  try {
    return await work(directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}

const round2 = (value: number) => Math.round(value * 100) / 100

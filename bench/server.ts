import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Pool } from 'undici'
import { plotLines } from './plot.ts'
import { type Contender, startFloor, startNomad, startOurs } from './server-contenders.ts'
import {
  connections,
  fill,
  idOf,
  type Measured,
  measureFor,
  measureWakeUp,
  request,
  volume,
} from './server-load.ts'

interface Row extends Measured {
  readonly operation: string
  readonly volumes: number
  readonly contender: string
  /** Processor time of the contender for each. */
  readonly cpuMs?: number
  /** The most processor time that one turn of the contender's event loop took. */
  readonly longestStallMs?: number
}

/**
 * Requests per second and latencies of `mooring server`, a process of its own over a plugin in memory; and, where NOMAD_BIN
 * is set, of a real Nomad agent over the same plugin, row by row in turn. Lists stand beside the bare
 * `JSON.stringify` of the same answer, and reads beside a bare server of Node. Written to bench-results/server.json and server.svg.
 *   --volumes N,N   how many there are, step by step (default 100,1000,10000)   --seconds N   for each row (default 3)
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      volumes: { type: 'string', default: '100,1000,10000' },
      seconds: { type: 'string', default: '3' },
    },
  })
  const sizes = values.volumes.split(',').map(Number)
  const seconds = Number(values.seconds)
  const contenders = [await startOurs()]
  if ((process.env.NOMAD_BIN ?? '') !== '') contenders.push(await startNomad())
  const rows: Row[] = []
  const memory: Memory[] = []
  try {
    const empty = await Promise.all(contenders.map(bytesOf))
    let there = 0
    for (const volumes of sizes) {
      for (const [at, contender] of contenders.entries()) {
        await fill(contender, there, volumes)
        const bytes = await bytesOf(contender)
        const a = (kind: 'liveBytes' | 'rssBytes') =>
          Math.round(((bytes[kind] ?? 0) - (empty[at]?.[kind] ?? 0)) / volumes)
        memory.push({
          contender: contender.name,
          volumes,
          liveBytesEach: a('liveBytes'),
          rssBytesEach: a('rssBytes'),
        })
      }
      there = volumes
      rows.push(...(await measureAll(contenders, volumes, seconds)))
    }
  } finally {
    for (const contender of contenders) await contender.close()
  }
  report(rows, memory)
}

interface Memory {
  readonly contender: string
  readonly volumes: number
  /** 0: it does not tell. */
  readonly liveBytesEach: number
  readonly rssBytesEach: number
}

const bytesOf = async (contender: Contender) => ({
  liveBytes: (await contender.report())?.liveBytes,
  rssBytes: contender.rssBytes(),
})

/** Each operation at one contender after the other. */
async function measureAll(
  contenders: readonly Contender[],
  volumes: number,
  seconds: number,
): Promise<Row[]> {
  const rows: Row[] = []
  const add = (row: Row) => {
    rows.push(row)
    print(row)
  }
  const pools = new Map(contenders.map((contender) => [contender, new Pool(contender.url, { connections })]))
  const id = (turn: number) => idOf((turn * 7919) % volumes)
  const operations: readonly Operation[] = [
    { name: 'list', workers: 1, path: () => '/v1/volumes?type=csi' },
    { name: `list, ${connections} at once`, workers: connections, path: () => '/v1/volumes?type=csi' },
    { name: 'read', workers: connections, path: (turn) => `/v1/volume/csi/${id(turn)}` },
    { name: 'read, one at a time', workers: 1, path: (turn) => `/v1/volume/csi/${id(turn)}` },
    {
      name: 'prefix page of ten',
      workers: connections,
      path: (turn) => `/v1/volumes?type=csi&per_page=10&prefix=${id(turn).slice(0, -1)}`,
    },
    {
      name: 'filter on ID',
      workers: connections,
      path: (turn) => `/v1/volumes?type=csi&filter=ID%20%3D%3D%20%22${id(turn)}%22`,
    },
    { name: 'page of a hundred', workers: connections, path: () => '/v1/volumes?type=csi&per_page=100' },
  ]
  const measure = async (
    operation: string,
    contender: Contender,
    work: (pool: Pool) => Promise<Measured>,
  ) => {
    const pool = pools.get(contender)
    if (pool === undefined) throw new Error(`${contender.name} has no pool`)
    await contender.report()
    await new Promise((resolve) => setTimeout(resolve, 200))
    const beforeMs = contender.cpuMs()
    const measured = await work(pool)
    const cpuMs = round2((contender.cpuMs() - beforeMs) / measured.count)
    const stall = (await contender.report())?.longestStallMs
    const longestStallMs = stall === undefined ? {} : { longestStallMs: Math.round(stall) }
    add({ operation, volumes, contender: contender.name, ...measured, cpuMs, ...longestStallMs })
  }
  for (const { name, workers, path } of operations) {
    for (const contender of contenders) {
      // A server that has run for an hour is measured, and not the compiler of its language.
      const pool = pools.get(contender)
      if (pool !== undefined)
        await measureFor(warmUpSeconds, workers, (turn) => request(pool, 'GET', path(turn)))
      await measure(name, contender, (pool) =>
        measureFor(seconds, workers, (turn) => request(pool, 'GET', path(turn))),
      )
    }
  }
  for (const contender of contenders) {
    const register = (pool: Pool, turn: number, Context: object) =>
      request(pool, 'PUT', `/v1/volume/csi/${idOf(turn)}`, {
        Volumes: [volume(contender.pluginID, turn, { Context })],
      })
    await measure('register', contender, (pool) =>
      measureFor(seconds, connections, (turn) =>
        register(pool, turn % volumes, { turn: `${volumes}.${turn}` }),
      ),
    )
    await measure('wake 1000 blocked', contender, (pool) =>
      measureWakeUp(contender.url, `/v1/volume/csi/${idOf(0)}`, () =>
        register(pool, 0, { woken: String(volumes) }),
      ),
    )
  }
  const ours = contenders[0]
  const pool = ours && pools.get(ours)
  if (pool !== undefined) {
    const answer = await pool.request({ method: 'GET', path: '/v1/volumes?type=csi' })
    const list = await answer.body.json()
    const measured = await measureFor(seconds, 1, async () => JSON.stringify(list))
    add({ operation: 'list', volumes, contender: 'JSON.stringify', ...measured })
    await measureFloor(pool, operations, seconds, (row) => add({ ...row, volumes }))
  }
  for (const each of pools.values()) await each.destroy()
  return rows
}

/** The reads of one volume from a server of Node that answers nothing else. */
async function measureFloor(
  ours: Pool,
  operations: readonly Operation[],
  seconds: number,
  add: (row: Omit<Row, 'volumes'>) => void,
): Promise<void> {
  const answer = await ours.request({ method: 'GET', path: `/v1/volume/csi/${idOf(0)}` })
  const floor = await startFloor(await answer.body.text())
  const pool = new Pool(floor.url, { connections })
  for (const { name, workers } of operations.filter((operation) => operation.name.startsWith('read'))) {
    await measureFor(warmUpSeconds, workers, () => request(pool, 'GET', '/'))
    const beforeMs = floor.cpuMs()
    const measured = await measureFor(seconds, workers, () => request(pool, 'GET', '/'))
    const cpuMs = round2((floor.cpuMs() - beforeMs) / measured.count)
    add({ operation: name, contender: floor.name, ...measured, cpuMs })
  }
  await pool.destroy()
  await floor.close()
}

/** Of each operation, before it is measured. */
const warmUpSeconds = 2

interface Operation {
  readonly name: string
  readonly workers: number
  path(turn: number): string
}

function report(rows: readonly Row[], memory: readonly Memory[]): void {
  const ratios = rows.flatMap((ours) => {
    if (ours.contender !== 'mooring') return []
    return rows
      .filter(
        (other) => other !== ours && other.operation === ours.operation && other.volumes === ours.volumes,
      )
      .map((other) => ({
        operation: ours.operation,
        volumes: ours.volumes,
        against: other.contender,
        p50: round2(ours.p50Ms / other.p50Ms),
        p99: round2(ours.p99Ms / other.p99Ms),
        ...(ours.cpuMs && other.cpuMs && { cpu: round2(ours.cpuMs / other.cpuMs) }),
      }))
  })
  const folder = fileURLToPath(new URL('../bench-results', import.meta.url))
  mkdirSync(folder, { recursive: true })
  const machine = { at: new Date().toISOString(), node: process.version, cpus: cpus().length }
  writeFileSync(
    join(folder, 'server.json'),
    `${JSON.stringify({ ...machine, rows, ratios, memory }, null, 2)}\n`,
  )
  const names = [...new Set(rows.map(({ operation, contender }) => `${contender}: ${operation}`))]
  const lines = names.map((name) => ({
    name,
    points: rows
      .filter(({ operation, contender }) => `${contender}: ${operation}` === name)
      .map(({ volumes, p50Ms }) => ({ x: volumes, y: p50Ms })),
  }))
  writeFileSync(
    join(folder, 'server.svg'),
    plotLines({ title: 'the Volumes API: median latency', x: 'volumes', y: 'ms', lines }),
  )
  process.stdout.write('\nours / theirs; 1 or less: never slower\n')
  for (const { operation, volumes, against, p50, p99, cpu } of ratios) {
    process.stdout.write(
      `${`${operation} at ${volumes}`.padEnd(36)} ${against.padEnd(16)} p50 ${p50}  p99 ${p99}${cpu ? `  cpu ${cpu}` : ''}\n`,
    )
  }
  for (const { contender, volumes, liveBytesEach, rssBytesEach } of memory) {
    const live = liveBytesEach === 0 ? '' : `${liveBytesEach} bytes alive, `
    process.stdout.write(
      `${contender}: a volume of ${volumes} takes ${live}${rssBytesEach} bytes of the process\n`,
    )
  }
  process.stdout.write(`written to ${folder}/server.json and server.svg\n`)
}

const round2 = (value: number) => Math.round(value * 100) / 100

function print(row: Row): void {
  const { operation, volumes, contender, perSecond, p50Ms, p99Ms, cpuMs, longestStallMs } = row
  const name = `${operation} at ${volumes}, ${contender}`.padEnd(48)
  const stall = longestStallMs === undefined ? '' : `  stall ${longestStallMs} ms`
  const cpu = cpuMs === undefined ? '' : `  cpu ${cpuMs} ms`
  const latency = `p50 ${p50Ms} ms  p99 ${p99Ms} ms`
  process.stdout.write(`${name} ${String(perSecond).padStart(8)}/s  ${latency}${cpu}${stall}\n`)
}

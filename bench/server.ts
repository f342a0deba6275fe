import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Pool } from 'undici'
import { startFakePlugin } from '../test/fakes/csi-plugin.ts'
import { plotLines } from './plot.ts'

const sizes = [100, 1_000, 10_000]
const secondsEach = 3
const connections = 8
const blockedQueries = 1_000
const batch = 500

interface Measured {
  readonly operation: string
  readonly volumes: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/**
 * Requests per second and latencies of `mooring server`, a process of its own, over a plugin in memory: so what
 * is measured is the server, its store and the wire.
 */
export async function run(): Promise<void> {
  const results: Measured[] = []
  const memory: { volumes: number; rssBytes: number; bytesPerVolume: number }[] = []
  for (const size of sizes) {
    const directory = mkdtempSync(join(tmpdir(), 'mooring-bench-'))
    const plugin = await startFakePlugin()
    const server = await startServerProcess(join(directory, 'data'), plugin.endpoint)
    const pool = new Pool(server.url, { connections })
    try {
      const emptyBytes = rssBytes(server.process)
      for (let start = 0; start < size; start += batch) {
        const volumes = Array.from({ length: Math.min(batch, size - start) }, (_, offset) => {
          const id = `volume-${start + offset}`
          plugin.volumes.set(id, { id, name: id, capacityBytes: 1n << 30n })
          return volume(id)
        })
        await request(pool, 'POST', '/v1/volumes', { Volumes: volumes })
      }
      memory.push({
        volumes: size,
        rssBytes: rssBytes(server.process),
        bytesPerVolume: Math.round((rssBytes(server.process) - emptyBytes) / size),
      })
      const measure = async (operation: string, call: (turn: number) => Promise<unknown>) => {
        const measured = await measureFor(operation, size, call)
        results.push(measured)
        print(measured)
      }
      await measure('list', () => request(pool, 'GET', '/v1/volumes?type=csi'))
      await measure('read', (turn) => request(pool, 'GET', `/v1/volume/csi/volume-${turn % size}`))
      await measure('filtered list', (turn) =>
        request(pool, 'GET', `/v1/volumes?type=csi&filter=ID%20%3D%3D%20%22volume-${turn % size}%22`),
      )
      await measure('register', (turn) =>
        request(pool, 'PUT', `/v1/volume/csi/volume-${turn % size}`, {
          Volumes: [{ ...volume(`volume-${turn % size}`), Context: { turn: String(turn) } }],
        }),
      )
      const woken = await measureWakeUp(server.url, pool, size)
      results.push(woken)
      print(woken)
      const text = (await request(pool, 'GET', '/v1/volumes?type=csi')) as string
      const list = JSON.parse(text)
      const serialise = await measureFor(
        'JSON.stringify of the list',
        size,
        async () => JSON.stringify(list),
        1,
      )
      results.push(serialise)
      print(serialise)
    } finally {
      await pool.destroy()
      server.process.kill('SIGKILL')
      await plugin.dispose()
      rmSync(directory, { recursive: true, force: true })
    }
  }
  const folder = fileURLToPath(new URL('../bench-results', import.meta.url))
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'server.json'), `${JSON.stringify({ results, memory }, null, 2)}\n`)
  const operations = [...new Set(results.map(({ operation }) => operation))]
  const lines = operations.map((operation) => ({
    name: operation,
    points: results
      .filter((result) => result.operation === operation)
      .map(({ volumes, p50Ms }) => ({ x: volumes, y: p50Ms })),
  }))
  writeFileSync(
    join(folder, 'server.svg'),
    plotLines({ title: 'mooring server: median latency', x: 'volumes', y: 'ms', lines }),
  )
  for (const { volumes, bytesPerVolume } of memory) {
    process.stdout.write(`${volumes} volumes: ${bytesPerVolume} bytes of memory a volume\n`)
  }
  process.stdout.write(`written to ${folder}/server.json and server.svg\n`)
}

const volume = (id: string) => ({
  ID: id,
  Name: id,
  ExternalID: id,
  PluginID: 'disk',
  RequestedCapabilities: [{ AccessMode: 'single-node-writer', AttachmentMode: 'file-system' }],
  Parameters: { type: 'gp3' },
})

async function startServerProcess(dataDirectory: string, endpoint: string) {
  const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
  const process_ = spawn(
    process.execPath,
    [
      main,
      'server',
      '--http',
      '127.0.0.1:0',
      '--max-connections-per-client',
      '2000',
      '--data-dir',
      dataDirectory,
      '--plugin',
      `disk=${endpoint}`,
    ],
    { stdio: ['ignore', 'inherit', 'pipe'] },
  )
  const lines = createInterface({ input: process_.stderr })
  const url = await new Promise<string>((resolve, reject) => {
    once(process_, 'exit').then(() => reject(new Error('the server ended')))
    lines.on('line', (line) => {
      const entry = JSON.parse(line)
      if (entry.msg === 'server listens') resolve(entry.url)
    })
  })
  return { url, process: process_ }
}

/** Calls one after another on each of the connections. */
async function measureFor(
  operation: string,
  volumes: number,
  call: (turn: number) => Promise<unknown>,
  workers = connections,
): Promise<Measured> {
  const latenciesMs: number[] = []
  const startMs = performance.now()
  let turn = 0
  const work = async () => {
    while (performance.now() - startMs < secondsEach * 1000) {
      const sentMs = performance.now()
      await call(turn++)
      latenciesMs.push(performance.now() - sentMs)
    }
  }
  await Promise.all(Array.from({ length: workers }, work))
  return summarise(operation, volumes, latenciesMs, performance.now() - startMs)
}

/** From the sending of one write to the end of each blocked query's answer. */
async function measureWakeUp(url: string, pool: Pool, volumes: number): Promise<Measured> {
  const waiters = new Pool(url, { connections: blockedQueries, headersTimeout: 0 })
  const before = await pool.request({ method: 'GET', path: '/v1/volume/csi/volume-0' })
  await before.body.text()
  const index = before.headers['x-nomad-index']
  const finishedMs: number[] = []
  const blocked = Array.from({ length: blockedQueries }, async () => {
    await request(waiters, 'GET', `/v1/volume/csi/volume-0?index=${index}`)
    finishedMs.push(performance.now())
  })
  // Nothing tells from outside when a query blocks; a request on each connection is answered in its order.
  await new Promise((resolve) => setTimeout(resolve, 2_000))
  const sentMs = performance.now()
  await request(pool, 'PUT', '/v1/volume/csi/volume-0', {
    Volumes: [{ ...volume('volume-0'), Context: { woken: String(sentMs) } }],
  })
  await Promise.all(blocked)
  await waiters.destroy()
  const latencies = finishedMs.map((finished) => finished - sentMs)
  return summarise(`wake ${blockedQueries} blocked`, volumes, latencies, Math.max(...latencies))
}

function summarise(operation: string, volumes: number, latenciesMs: number[], elapsedMs: number): Measured {
  const sorted = latenciesMs.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  const round = (value: number) => Math.round(value * 100) / 100
  return {
    operation,
    volumes,
    perSecond: Math.round((sorted.length / elapsedMs) * 1000),
    p50Ms: round(at(0.5)),
    p99Ms: round(at(0.99)),
  }
}

async function request(
  pool: Pool,
  method: 'GET' | 'PUT' | 'POST',
  path: string,
  body?: object,
): Promise<unknown> {
  const answer = await pool.request({ method, path, body: body === undefined ? null : JSON.stringify(body) })
  const text = await answer.body.text()
  if (answer.statusCode !== 200) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`)
  return text
}

function rssBytes({ pid }: ChildProcess): number {
  const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) * 1024
}

function print({ operation, volumes, perSecond, p50Ms, p99Ms }: Measured) {
  const name = `${operation} at ${volumes}`.padEnd(40)
  process.stdout.write(`${name} ${String(perSecond).padStart(8)}/s  p50 ${p50Ms} ms  p99 ${p99Ms} ms\n`)
}

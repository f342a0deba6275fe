import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Agent, Pool } from 'undici'
import { startFakePlugin } from '../test/fakes/csi-plugin.ts'
import { type MooringProcess, startMooring } from './mooring-process.ts'

/** The operator's own limit for one plugin, and so the floor's. */
const callsAtOnce = 4
const pluginID = 'bench'
const documentsPerFile = 100

/**
 * The operator, a process of its own, against `mooring server`, another. Convergence is over `mooring driver`, a third,
 * and its floor is what the same calls take that the operator made, sent by a plain client with as many at once to
 * the same server, before and after it. What is measured with many volumes is over a plugin in memory.
 * Written to bench-results/operator.json.
 *   --new N     volumes to converge (default 1000)     --rounds N  (default 3)
 *   --many N    volumes that are there (default 10000)
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      new: { type: 'string', default: '1000' },
      rounds: { type: 'string', default: '3' },
      many: { type: 'string', default: '10000' },
    },
  })
  const report = {
    at: new Date().toISOString(),
    node: process.version,
    cpus: cpus().length,
    convergence: await inTemporaryDirectory((directory) =>
      measureConvergence(directory, Number(values.new), Number(values.rounds)),
    ),
    many: await inTemporaryDirectory((directory) => measureMany(directory, Number(values.many))),
  }
  const text = `${JSON.stringify(report, null, 2)}\n`
  const results = fileURLToPath(new URL('../bench-results', import.meta.url))
  mkdirSync(results, { recursive: true })
  writeFileSync(join(results, 'operator.json'), text)
  process.stdout.write(text)
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

async function measureMany(directory: string, count: number) {
  const plugin = await startFakePlugin()
  const server = await startServer(directory, plugin.endpoint)
  const pool = new Pool(server.url, { connections: callsAtOnce })
  const operator = await startOperator(join(directory, 'operator'), server.url)
  try {
    const emptyBytes = operator.process.rssBytes()
    const names = namesOf('many', count)
    for (const volumes of chunksOf(names, 500)) {
      for (const id of volumes) plugin.volumes.set(id, { id, name: id, capacityBytes: 2n ** 30n })
      await request(pool, 'POST', '/v1/volumes', {
        Volumes: volumes.map((id) => ({ ...volumeBody(id), ExternalID: id })),
      })
    }
    progress(`${count} volumes are in the server`)
    const adopted = untilReady(operator.process, count)
    const startMs = performance.now()
    for (const [index, volumes] of chunksOf(names, documentsPerFile).entries()) {
      declare(
        operator.source,
        `volumes-${index}.yaml`,
        volumes.map((id) => declaration(id, `externalID: ${id}`, 'secrets: {}')),
      )
    }
    await adopted
    const adoptMs = performance.now() - startMs
    progress(`${count} volumes taken over in ${Math.round(adoptMs)} ms`)
    const manyBytes = operator.process.rssBytes()

    const beforeResync = await operator.calls()
    const resyncMs = await timed(() => operator.reconcile())
    const resyncCalls = difference(beforeResync, await operator.calls())

    progress(`resync in ${Math.round(resyncMs)} ms: ${JSON.stringify(resyncCalls)}`)
    const declaredChangeMs = await timedSeveral(5, async (round) => {
      const grown = untilReady(operator.process, 1, 'expand-volume')
      const changed = names
        .slice(0, documentsPerFile)
        .map((id, index) =>
          declaration(
            id,
            `externalID: ${id}`,
            'secrets: {}',
            index === 0 ? `capacity: {min: ${round + 2}Gi}` : '',
          ),
        )
      declare(operator.source, 'volumes-0.yaml', changed)
      await grown
    })
    progress(`declared changes in ${declaredChangeMs.map(Math.round)} ms`)
    const outsideChangeMs = await timedSeveral(5, async () => {
      const corrected = untilReady(operator.process, 1, 'register-volume')
      await request(pool, 'DELETE', `/v1/volume/csi/${names.at(-1)}`)
      await corrected
    })
    return {
      volumes: count,
      adoptMs: Math.round(adoptMs),
      resync: { tookMs: Math.round(resyncMs), calls: resyncCalls },
      declaredChangeMs: declaredChangeMs.map(Math.round),
      outsideChangeMs: outsideChangeMs.map(Math.round),
      floorOfOneChangeMs: (
        await timedSeveral(5, async () => {
          await request(pool, 'GET', '/v1/volumes?type=csi')
          await request(pool, 'GET', `/v1/volume/csi/${names[1]}`)
          await request(pool, 'PUT', `/v1/volume/csi/${names[1]}`, {
            Volumes: [
              {
                ...volumeBody(names[1] ?? ''),
                ExternalID: names[1],
                Context: { at: String(performance.now()) },
              },
            ],
          })
        })
      ).map(Math.round),
      memory: {
        emptyBytes,
        manyBytes,
        bytesPerDeclaration: Math.round((manyBytes - emptyBytes) / count),
      },
    }
  } finally {
    await operator.process.stop()
    await pool.destroy()
    await server.process.stop()
    await plugin.dispose()
  }
}

async function startServer(directory: string, endpoint: string) {
  const process_ = startMooring([
    ...['server', '--http', '127.0.0.1:0', '--log-level', 'info', '--data-dir', join(directory, 'server')],
    ...['--plugin', `${pluginID}=${endpoint}`],
  ])
  const { url } = await process_.logged('server listens')
  return { process: process_, url: String(url) }
}

/** On a folder that is empty at first, and with no beat of its own in between. */
async function startOperator(directory: string, nomadAddress: string) {
  const source = join(directory, 'source')
  const data = join(directory, 'data')
  mkdirSync(source, { recursive: true })
  const process_ = startMooring([
    ...['run', '--source', source, '--data-dir', data, '--nomad-addr', nomadAddress],
    ...['--rescan', '1h', '--resync', '1h', '--metrics-addr', '127.0.0.1:0'],
  ])
  const { url } = await process_.logged('metrics listen')
  await process_.logged('mooring runs')
  const admin = new Agent({
    connect: { socketPath: join(data, 'operator', 'admin.sock') },
    headersTimeout: 0,
  })
  await waitFor(async () => (await fetch(new URL('/readyz', String(url)))).ok)
  return {
    process: process_,
    source,
    /** Requests to Nomad so far by operation. A watch is what nobody asked for, and is left out. */
    async calls(): Promise<Record<string, number>> {
      const text = await (await fetch(String(url))).text()
      const counts = text.matchAll(
        /^mooring_nomad_call_duration_seconds_count\{operation="(\w+)",code="\d+"\} (\d+)$/gm,
      )
      return Object.fromEntries([...counts].map(([, operation = '', number]) => [operation, Number(number)]))
    },
    async reconcile() {
      const answer = await admin.request({ origin: 'http://mooring', method: 'POST', path: '/v1/reconcile' })
      await answer.body.text()
      if (answer.statusCode >= 300) throw new Error(`the operator answered ${answer.statusCode}`)
    },
  }
}

/** Resolves when this many volumes have become ready, each after the given step if there is one. */
function untilReady(operator: MooringProcess, count: number, step?: string): Promise<void> {
  const stepped = new Set<unknown>()
  const ready = new Set<unknown>()
  return new Promise((resolve) => {
    const stop = operator.onLine((line) => {
      if (line.msg === 'step' && line.step === step) stepped.add(line.key)
      if (line.msg !== 'status' || line.state !== 'ready') return
      if (step !== undefined && !stepped.has(line.key)) return
      ready.add(line.key)
      if (ready.size < count) return
      stop()
      resolve()
    })
  })
}

const namesOf = (name: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${name}-${index}`)

const declaration = (name: string, ...fields: readonly string[]) => `apiVersion: mooring.dev/v1alpha1
kind: Volume
metadata: {name: ${name}}
spec:
  pluginID: ${pluginID}
  capabilities: [{accessMode: single-node-writer, attachmentMode: file-system}]
${fields.map((field) => (field === '' ? '' : `  ${field}\n`)).join('')}`

const volumeBody = (id: string) => ({
  ID: id,
  Name: id,
  PluginID: pluginID,
  RequestedCapabilities: [{ AccessMode: 'single-node-writer', AttachmentMode: 'file-system' }],
})

/** Whole at once, as an editor or a checkout would. */
function declare(folder: string, file: string, documents: readonly string[]): void {
  writeFileSync(join(folder, `.${file}`), documents.join('---\n'))
  renameSync(join(folder, `.${file}`), join(folder, file))
}

async function request(pool: Pool, method: 'GET' | 'PUT' | 'POST' | 'DELETE', path: string, body?: object) {
  const answer = await pool.request({ method, path, body: body === undefined ? null : JSON.stringify(body) })
  const text = await answer.body.text()
  if (answer.statusCode !== 200) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`)
}

async function forEachAtOnce<Item>(
  items: readonly Item[],
  workers: number,
  work: (item: Item) => Promise<void>,
) {
  const left = items.values()
  await Promise.all(
    Array.from({ length: workers }, async () => {
      for (const item of left) await work(item)
    }),
  )
}

function difference(before: Readonly<Record<string, number>>, after: Readonly<Record<string, number>>) {
  return Object.fromEntries(
    Object.entries(after)
      .map(([operation, count]): [string, number] => [operation, count - (before[operation] ?? 0)])
      .filter(([, count]) => count > 0),
  )
}

function chunksOf<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  )
}

async function inTemporaryDirectory<Result>(work: (directory: string) => Promise<Result>): Promise<Result> {
  const directory = mkdtempSync(join(tmpdir(), 'mooring-bench-'))
  try {
    return await work(directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function waitFor(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20))
}

function progress(text: string): void {
  process.stderr.write(`${text}\n`)
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now()
  await work()
  return performance.now() - startMs
}

async function timedSeveral(times: number, work: (round: number) => Promise<unknown>): Promise<number[]> {
  const tookMs: number[] = []
  for (let round = 0; round < times; round++) tookMs.push(await timed(() => work(round)))
  return tookMs
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}

const round2 = (value: number) => Math.round(value * 100) / 100

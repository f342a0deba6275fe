import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { Pool } from 'undici'
import { startFakePlugin } from '../test/fakes/csi-plugin.ts'
import { type MooringProcess, startMooring } from './mooring-process.ts'
import {
  type BenchOperator,
  chunksOf,
  declaration,
  declare,
  difference,
  forEachAtOnce,
  type Load,
  namesOf,
  pluginID,
  progress,
  request,
  startOperator,
  timed,
  untilGone,
  untilReady,
  volumeBody,
} from './operator-process.ts'

/** The operator's own limit for one plugin, and so the floor's. */
const callsAtOnce = 4
const documentsPerFile = 100

/** What is on the other side of the operator: Nomad's API, and a plugin that has the volumes `many-0` and so on. */
export interface FarSide {
  readonly name: string
  readonly url: string
  fill(count: number): Promise<void>
  stop(): Promise<void>
}

/** An API in memory, a process of its own. */
export async function startMemoryNomad(): Promise<FarSide> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('./memory-nomad.ts', import.meta.url))], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [port] = await once(child.stdout, 'data')
  const url = `http://127.0.0.1:${String(port).trim()}`
  return {
    name: 'memory',
    url,
    async fill(count) {
      const size = 10_000
      for (let from = 0; from < count; from += size)
        await fetch(`${url}/v1/fill?from=${from}&to=${Math.min(count, from + size)}`, { method: 'POST' })
    },
    async stop() {
      child.kill('SIGKILL')
    },
  }
}

/** `mooring server`, a process of its own, over a plugin in memory in this one. */
export async function startMooringServer(directory: string): Promise<FarSide> {
  const plugin = await startFakePlugin()
  const server = startMooring([
    ...['server', '--http', '127.0.0.1:0', '--log-level', 'info', '--data-dir', join(directory, 'server')],
    ...['--plugin', `${pluginID}=${plugin.endpoint}`],
  ])
  const { url } = await server.logged('server listens')
  const pool = new Pool(String(url), { connections: callsAtOnce })
  return {
    name: 'mooring server',
    url: String(url),
    async fill(count) {
      for (const volumes of chunksOf(namesOf('many', count), 500)) {
        for (const id of volumes) plugin.volumes.set(id, { id, name: id, capacityBytes: 2n ** 30n })
        await request(pool, 'POST', '/v1/volumes', {
          Volumes: volumes.map((id) => ({ ...volumeBody(id), ExternalID: id })),
        })
      }
    },
    async stop() {
      await pool.destroy()
      await server.stop()
      await plugin.dispose()
    },
  }
}

export interface ScaleOptions {
  readonly directory: string
  readonly farSide: FarSide
  readonly count: number
  /** How many changes one by one. */
  readonly changes: number
  /** How many volumes come and go together. */
  readonly batch: number
  /** For the operator's Node, such as `--cpu-prof`. */
  readonly nodeFlags: readonly string[]
}

const formatHeld = ({ p999, max, byCpu }: Load['heldMs']) =>
  `${p999} (p99.9), ${max} ms, of that ${byCpu} ms by work`
const mib = (bytes: number) => Math.round(bytes / 2 ** 20)

/** What an operator of so many volumes takes for one change, a batch, a resync and a restart. */
export async function measureScale({ directory, farSide, count, changes, batch, nodeFlags }: ScaleOptions) {
  const pool = new Pool(farSide.url, { connections: callsAtOnce })
  const flags = ['--prune', '--prune-delay', '0s', '--max-prune', String(count)]
  const start = (onBegun: (process: MooringProcess) => void = () => {}) =>
    startOperator(join(directory, 'operator'), farSide.url, { flags, nodeFlags, onBegun })
  const tell = (text: string) => progress(`${farSide.name}, ${count}: ${text}`)
  const held: Record<string, Load['heldMs']> = {}
  let operator = await start()

  async function during<Result>(what: string, work: () => Promise<Result>) {
    const before = await operator.load()
    const callsBefore = await operator.calls()
    const startMs = performance.now()
    const result = await work()
    const tookMs = Math.round(performance.now() - startMs)
    const after = await operator.load()
    const calls = difference(callsBefore, await operator.calls())
    held[what] = after.heldMs
    const cpuMs = after.cpuMs - before.cpuMs
    tell(
      `${what} took ${tookMs} ms, ${cpuMs} ms of CPU; loop held ${formatHeld(after.heldMs)}; ${mib(after.rssBytes)} MiB`,
    )
    return { result, tookMs, cpuMs, calls }
  }

  try {
    const { rssBytes: emptyBytes } = await operator.load()
    await farSide.fill(count)
    const files = chunksOf(namesOf('many', count), documentsPerFile)
    const adopt = await during('adoption', async () => {
      const ready = untilReady(operator.process, count)
      for (const [index, names] of files.entries()) declareMany(operator, index, names)
      await ready
    })
    const { rssBytes: manyBytes } = await operator.load()

    const declared = await during('declared changes', () =>
      severalTimes(changes, async (round) => {
        const file = (round * 37) % files.length
        const grown = untilReady(operator.process, 1, 'expand-volume')
        declareMany(operator, file, files[file] ?? [], round + 2)
        await grown
      }),
    )
    tell(`declared change: ${summary(declared.result)}`)
    const outside = await during('outside changes', () =>
      severalTimes(Math.min(changes, 10), async (round) => {
        const id = `many-${(round * 3701 + 50) % count}`
        const corrected = untilReady(operator.process, 1, 'register-volume')
        await request(pool, 'DELETE', `/v1/volume/csi/${id}`)
        await corrected
      }),
    )
    tell(`outside change: ${summary(outside.result)}`)
    const floorOfChange = await severalTimes(changes, async (round) => {
      const id = `many-${round % count}`
      await request(pool, 'GET', `/v1/volume/csi/${id}`)
      await request(pool, 'PUT', `/v1/volume/csi/${id}`, {
        Volumes: [{ ...volumeBody(id), ExternalID: id, RequestedCapacityMin: round + 1 }],
      })
    })
    const settled = await during('resync', () => operator.reconcile())
    const resync = await during('second resync', () => operator.reconcile())

    const came = await during('new volumes', async () => {
      const ready = untilReady(operator.process, batch)
      declare(
        operator.source,
        'batch.yaml',
        namesOf('batch', batch).map((name) => declaration(name, 'deletionPolicy: Delete')),
      )
      await ready
    })
    const ended = await during('ends', async () => {
      const startMs = performance.now()
      const gone = untilGone(operator.process, batch)
      rmSync(join(operator.source, 'batch.yaml'))
      const { firstAtMs } = await gone
      return firstAtMs - startMs
    })
    const floorOfNew = await replay(pool, batch, came.calls)
    const floorOfEnds = await replay(pool, batch, ended.calls)
    tell(`floors: ${batch} new ${floorOfNew} ms, ends ${floorOfEnds} ms`)

    await operator.stop()
    const middle = Math.floor(files.length / 2)
    declareMany(operator, middle, files[middle] ?? [], 1000)
    const startMs = performance.now()
    const restarted = Promise.withResolvers<[number, number]>()
    const passed = () => performance.now() - startMs
    operator = await start((begun) => {
      const first = untilReady(begun, 1, 'expand-volume').then(passed)
      restarted.resolve(Promise.all([first, untilReady(begun, count).then(passed)]))
    })
    const [firstMs, allMs] = await restarted.promise
    const { heldMs, rssBytes: restartedBytes } = await operator.load()
    held.restart = heldMs
    tell(
      `restart: first change after ${Math.round(firstMs)} ms, all checked after ${Math.round(allMs)} ms; loop held ${formatHeld(heldMs)}; ${mib(restartedBytes)} MiB`,
    )
    return {
      farSide: farSide.name,
      volumes: count,
      adoptMs: adopt.tookMs,
      declaredChangeMs: quantiles(declared.result),
      outsideChangeMs: quantiles(outside.result),
      floorOfOneChangeMs: quantiles(floorOfChange),
      resync: [settled, resync].map(({ tookMs, cpuMs, calls }) => ({ tookMs, cpuMs, calls })),
      newVolumes: {
        count: batch,
        tookMs: came.tookMs,
        floorMs: floorOfNew,
        ratio: round2(came.tookMs / floorOfNew),
      },
      ends: {
        count: batch,
        tookMs: ended.tookMs,
        floorMs: floorOfEnds,
        ratio: round2(ended.tookMs / floorOfEnds),
        firstAfterMs: Math.round(ended.result),
      },
      restart: { firstChangeMs: Math.round(firstMs), allCheckedMs: Math.round(allMs) },
      memory: {
        emptyBytes,
        manyBytes,
        bytesPerDeclaration: Math.round((manyBytes - emptyBytes) / count),
        bytesPerDeclarationAfterRestart: Math.round((restartedBytes - emptyBytes) / count),
      },
      loopHeldMs: held,
    }
  } finally {
    await operator.stop()
    await pool.destroy()
  }
}

/** @param gibibytes what the first volume of the file is to have at least */
function declareMany({ source }: BenchOperator, file: number, names: readonly string[], gibibytes?: number) {
  declare(
    source,
    `volumes-${file}.yaml`,
    names.map((id, index) =>
      declaration(
        id,
        `externalID: ${id}`,
        'secrets: {}',
        index === 0 && gibibytes !== undefined ? `capacity: {min: ${gibibytes}Gi}` : '',
      ),
    ),
  )
}

/** How long the operator's own calls for each volume of a batch take, sent by a plain client. */
async function replay(pool: Pool, batch: number, calls: Readonly<Record<string, number>>): Promise<number> {
  const times = (operation: string) => Math.round((calls[operation] ?? 0) / batch)
  const repeat = async (operation: string, run: () => Promise<void>) => {
    for (let time = 0; time < times(operation); time++) await run()
  }
  const tookMs = await timed(() =>
    forEachAtOnce(namesOf('floor', batch), callsAtOnce, async (id) => {
      const body = { Volumes: [{ ...volumeBody(id), ExternalID: id }] }
      await repeat('read_namespace', () => request(pool, 'GET', '/v1/namespace/default'))
      await repeat('create_volume', () => request(pool, 'PUT', `/v1/volume/csi/${id}/create`, body))
      await repeat('read_volume', () => request(pool, 'GET', `/v1/volume/csi/${id}`))
      if (times('delete_volume') === 0) return
      await repeat('deregister_volume', () => request(pool, 'DELETE', `/v1/volume/csi/${id}`))
      await repeat('register_volume', () => request(pool, 'PUT', `/v1/volume/csi/${id}`, body))
      await request(pool, 'DELETE', `/v1/volume/csi/${id}/delete`)
    }),
  )
  return Math.round(tookMs)
}

async function severalTimes(times: number, work: (round: number) => Promise<unknown>): Promise<number[]> {
  const tookMs: number[] = []
  for (let round = 0; round < times; round++) tookMs.push(await timed(() => work(round)))
  return tookMs
}

function quantiles(values: readonly number[]) {
  const sorted = values.toSorted((one, other) => one - other)
  const at = (share: number) =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0)
  return { p50: at(0.5), p99: at(0.99), max: Math.round(sorted.at(-1) ?? 0) }
}

function summary(values: readonly number[]): string {
  const { p50, p99, max } = quantiles(values)
  return `p50 ${p50}, p99 ${p99}, max ${max} ms`
}

const round2 = (value: number) => Math.round(value * 100) / 100

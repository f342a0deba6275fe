import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Agent, type Pool } from 'undici'
import { type MooringProcess, startMooring } from './mooring-process.ts'

export const pluginID = 'bench'

/** An operator, a process of its own, that reads a folder. */
export interface BenchOperator {
  readonly process: MooringProcess
  readonly source: string
  /** Requests to Nomad so far by operation. A watch is what nobody asked for, and is left out. */
  calls(): Promise<Record<string, number>>
  /** How long the event loop was held up since the last call, and the processor time that was used so far. */
  load(): Promise<Load>
  reconcile(): Promise<void>
  stop(): Promise<void>
}

export interface Load {
  /**
   * The 99.9th percentile, and the longest; beside it the longest by processor time, because what the system gives to
   * other processes meanwhile holds up the loop too.
   */
  readonly heldMs: { readonly p999: number; readonly max: number; readonly byCpu: number }
  readonly cpuMs: number
  readonly rssBytes: number
  /** What lives in its memory once the garbage is gone. */
  readonly liveBytes: number
}

/** On a folder that is empty at first, and with no beat of its own in between. */
export async function startOperator(
  directory: string,
  nomadAddress: string,
  {
    flags = [],
    nodeFlags = [],
    onBegun = () => {},
  }: {
    readonly flags?: readonly string[]
    readonly nodeFlags?: readonly string[]
    /** Called before the process has logged anything. */
    readonly onBegun?: (process: MooringProcess) => void
  } = {},
): Promise<BenchOperator> {
  const source = join(directory, 'source')
  const data = join(directory, 'data')
  mkdirSync(source, { recursive: true })
  const process_ = startMooring(
    [
      ...['run', '--source', source, '--data-dir', data, '--nomad-addr', nomadAddress],
      ...['--rescan', '1h', '--resync', '1h', '--metrics-addr', '127.0.0.1:0', ...flags],
    ],
    ['--expose-gc', `--import=${new URL('./report-process.ts', import.meta.url)}`, ...nodeFlags],
  )
  onBegun(process_)
  const { url } = await process_.logged('metrics listen')
  await process_.logged('mooring runs')
  const admin = new Agent({
    connect: { socketPath: join(data, 'operator', 'admin.sock') },
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  // A connection of its own for each: one that was kept may be closed while the process is busy.
  const headers = { connection: 'close' }
  const metrics = async () => (await fetch(String(url), { headers })).text()
  const isReady = () => fetch(new URL('/readyz', String(url)), { headers }).then(({ ok }) => ok)
  await waitFor(() => isReady().catch(() => false))
  return {
    process: process_,
    source,
    async calls() {
      const counts = (await metrics()).matchAll(
        /^mooring_nomad_call_duration_seconds_count\{operation="(\w+)",code="\d+"\} (\d+)$/gm,
      )
      return Object.fromEntries([...counts].map(([, operation = '', number]) => [operation, Number(number)]))
    },
    async load() {
      const text = await metrics()
      const report = await reported(process_)
      // The collection of the garbage held up the loop, too: not the operator's doing.
      await metrics()
      const held = (quantile: string) =>
        Math.round(1000 * metricOf(text, `mooring_event_loop_delay_seconds{quantile="${quantile}"}`))
      return {
        heldMs: { p999: held('0.999'), max: held('1'), byCpu: Math.round(Number(report.longestStallMs)) },
        liveBytes: Number(report.liveBytes),
        cpuMs: Math.round(1000 * metricOf(text, 'process_cpu_seconds_total')),
        rssBytes: rssBytesOf(process_.pid),
      }
    },
    async reconcile() {
      const answer = await admin.request({ origin: 'http://mooring', method: 'POST', path: '/v1/reconcile' })
      await answer.body.text()
      if (answer.statusCode >= 300) throw new Error(`the operator answered ${answer.statusCode}`)
    },
    async stop() {
      await admin.destroy()
      await process_.stop()
    },
  }
}

async function reported(operator: MooringProcess) {
  const next = Promise.withResolvers<Readonly<Record<string, unknown>>>()
  const stop = operator.onLine((line) => {
    if (line.msg === 'report') next.resolve(line)
  })
  operator.signal('SIGUSR2')
  const report = await next.promise
  stop()
  return report
}

function metricOf(metrics: string, name: string): number {
  const line = metrics.split('\n').find((each) => each.startsWith(`${name} `))
  if (line === undefined) throw new Error(`the operator has no metric ${name}`)
  return Number(line.slice(name.length + 1))
}

function rssBytesOf(pid: number): number {
  const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) * 1024
}

/** Resolves when this many volumes have become ready, each after the given step if there is one. */
export function untilReady(operator: MooringProcess, count: number, step?: string): Promise<void> {
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

/** Resolves when this many identities are no longer managed, with the time of the first. */
export function untilGone(operator: MooringProcess, count: number): Promise<{ readonly firstAtMs: number }> {
  let gone = 0
  let firstAtMs = 0
  return new Promise((resolve) => {
    const stop = operator.onLine((line) => {
      if (line.msg !== 'no longer managed') return
      if (gone === 0) firstAtMs = performance.now()
      gone += 1
      if (gone < count) return
      stop()
      resolve({ firstAtMs })
    })
  })
}

export const namesOf = (name: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${name}-${index}`)

export const declaration = (name: string, ...fields: readonly string[]) => `apiVersion: mooring.dev/v1alpha1
kind: Volume
metadata: {name: ${name}}
spec:
  pluginID: ${pluginID}
  capabilities: [{accessMode: single-node-writer, attachmentMode: file-system}]
${fields.map((field) => (field === '' ? '' : `  ${field}\n`)).join('')}`

export const volumeBody = (id: string) => ({
  ID: id,
  Name: id,
  PluginID: pluginID,
  RequestedCapabilities: [{ AccessMode: 'single-node-writer', AttachmentMode: 'file-system' }],
})

/** Whole at once, as an editor or a checkout would. */
export function declare(folder: string, file: string, documents: readonly string[]): void {
  writeFileSync(join(folder, `.${file}`), documents.join('---\n'))
  renameSync(join(folder, `.${file}`), join(folder, file))
}

export async function request(
  pool: Pool,
  method: 'GET' | 'PUT' | 'POST' | 'DELETE',
  path: string,
  body?: object,
) {
  const answer = await pool.request({ method, path, body: body === undefined ? null : JSON.stringify(body) })
  const text = await answer.body.text()
  if (answer.statusCode !== 200) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`)
}

export async function forEachAtOnce<Item>(
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

/** What was counted between two counts. */
export function difference(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
) {
  return Object.fromEntries(
    Object.entries(after)
      .map(([operation, count]): [string, number] => [operation, count - (before[operation] ?? 0)])
      .filter(([, count]) => count > 0),
  )
}

export function chunksOf<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  )
}

export async function waitFor(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20))
}

export function progress(text: string): void {
  process.stderr.write(`${text}\n`)
}

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now()
  await work()
  return performance.now() - startMs
}

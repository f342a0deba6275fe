import { performance } from 'node:perf_hooks'
import { Pool } from 'undici'
import type { Contender } from './server-contenders.ts'

/** What one operation took. */
export interface Measured {
  readonly count: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** How many requests are under way at once where several are. */
export const connections = 8
const batch = 250
const blockedQueries = 1_000

export const idOf = (turn: number) => `volume-${turn}`

export const volume = (pluginID: string, turn: number, fields: object = {}) => ({
  ID: idOf(turn),
  Name: idOf(turn),
  ExternalID: idOf(turn),
  PluginID: pluginID,
  RequestedCapabilities: [{ AccessMode: 'single-node-writer', AttachmentMode: 'file-system' }],
  Parameters: { type: 'gp3' },
  ...fields,
})

/** Registers volumes until there are `to`. */
export async function fill({ url, pluginID, name }: Contender, from: number, to: number): Promise<void> {
  process.stderr.write(`${name}: ${to} volumes\n`)
  const pool = new Pool(url, { connections, headersTimeout: 0 })
  const starts = Array.from({ length: Math.ceil((to - from) / batch) }, (_, at) => from + at * batch).values()
  await Promise.all(
    Array.from({ length: connections }, async () => {
      for (const start of starts) {
        const size = Math.min(batch, to - start)
        const Volumes = Array.from({ length: size }, (_, offset) => volume(pluginID, start + offset))
        await request(pool, 'PUT', '/v1/volumes', { Volumes })
      }
    }),
  )
  await pool.destroy()
}

/** Sends a request, and takes its answer to the end without keeping it. @throws Error for any status but 200 */
export async function request(
  pool: Pool,
  method: 'GET' | 'PUT' | 'POST',
  path: string,
  body?: object,
): Promise<void> {
  const answer = await pool.request({ method, path, body: body === undefined ? null : JSON.stringify(body) })
  if (answer.statusCode !== 200)
    throw new Error(`${method} ${path}: ${answer.statusCode} ${await answer.body.text()}`)
  for await (const _piece of answer.body);
}

/** Calls one after another by each of the workers, for so long. */
export async function measureFor(
  seconds: number,
  workers: number,
  call: (turn: number) => Promise<unknown>,
): Promise<Measured> {
  const latenciesMs: number[] = []
  const startMs = performance.now()
  let turn = 0
  const work = async () => {
    while (performance.now() - startMs < seconds * 1000) {
      const sentMs = performance.now()
      await call(turn++)
      latenciesMs.push(performance.now() - sentMs)
    }
  }
  await Promise.all(Array.from({ length: workers }, work))
  return summarise(latenciesMs, performance.now() - startMs)
}

/** From the sending of one write to the end of each blocked query's answer. */
export async function measureWakeUp(
  url: string,
  path: string,
  write: () => Promise<unknown>,
): Promise<Measured> {
  const waiters = new Pool(url, { connections: blockedQueries, headersTimeout: 0 })
  const before = await waiters.request({ method: 'GET', path })
  await before.body.dump()
  const finishedMs: number[] = []
  const blocked = Array.from({ length: blockedQueries }, async () => {
    await request(waiters, 'GET', `${path}?index=${before.headers['x-nomad-index']}`)
    finishedMs.push(performance.now())
  })
  // Nothing tells from outside when a query blocks.
  await new Promise((resolve) => setTimeout(resolve, 2_000))
  const sentMs = performance.now()
  await Promise.all([write(), ...blocked])
  await waiters.destroy()
  const latencies = finishedMs.map((finished) => finished - sentMs)
  return summarise(latencies, Math.max(...latencies))
}

function summarise(latenciesMs: readonly number[], elapsedMs: number): Measured {
  const sorted = latenciesMs.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  const round = (value: number) => Math.round(value * 100) / 100
  return {
    count: sorted.length,
    perSecond: Math.round((sorted.length / elapsedMs) * 1000),
    p50Ms: round(at(0.5)),
    p99Ms: round(at(0.99)),
  }
}

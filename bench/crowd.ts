import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { Pool } from 'undici'
import { defaultLimits } from '../src/lib/http/limits.ts'
import type { Asking } from './ask-again.ts'
import { type Contender, startOurs } from './server-contenders.ts'
import { fill, idOf, type Measured, measureFor, request } from './server-load.ts'

/** What some clients do to a server, while another one reads volumes one after the other. */
interface Burden {
  readonly name: string
  /** @returns ends it */
  begin(contender: Contender): Promise<() => Promise<void>>
}

interface Row extends Measured {
  readonly burden: string
  readonly longestStallMs: number
  /** Of the whole process, while it lasts. */
  readonly rssBytes: number
}

/**
 * What clients that do harm cost another client of `mooring server` with its default limits: the latency of single reads
 * beside each burden, and the memory of the process. All of 127.0.0.0/8 is this machine, so that each address is a client.
 * Written to bench-results/crowd.json.
 *   --volumes N   how many there are (default 10000)   --seconds N   for each row (default 5)
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      volumes: { type: 'string', default: '10000' },
      seconds: { type: 'string', default: '5' },
    },
  })
  const volumes = Number(values.volumes)
  const contender = await startOurs(defaultLimits.connectionsPerClient)
  const rows: Row[] = []
  try {
    await fill(contender, 0, volumes)
    for (const { name, begin } of burdens) {
      const end = await begin(contender)
      const reader = new Pool(contender.url, { connections: 1, connect: { localAddress: '127.0.0.2' } })
      await contender.report()
      const measured = await measureFor(Number(values.seconds), 1, (turn) =>
        request(reader, 'GET', `/v1/volume/csi/${idOf((turn * 7919) % volumes)}`),
      )
      const rssBytes = contender.rssBytes()
      const { longestStallMs = 0 } = (await contender.report()) ?? {}
      rows.push({ burden: name, ...measured, longestStallMs: Math.round(longestStallMs), rssBytes })
      print(rows.at(-1))
      await reader.destroy()
      await end()
    }
  } finally {
    await contender.close()
  }
  const folder = fileURLToPath(new URL('../bench-results', import.meta.url))
  mkdirSync(folder, { recursive: true })
  const result = { at: new Date().toISOString(), node: process.version, volumes, rows }
  writeFileSync(join(folder, 'crowd.json'), `${JSON.stringify(result, null, 2)}\n`)
  process.stdout.write(`written to ${folder}/crowd.json\n`)
}

/** Connects from many addresses, as many from each as it may have. */
async function openMany(contender: Contender, count: number, first: string): Promise<Socket[]> {
  const { hostname, port } = new URL(contender.url)
  const sockets: Socket[] = []
  for (let at = 0; at < count; at += 1) {
    const client = Math.floor(at / defaultLimits.connectionsPerClient)
    const socket = connect({
      host: hostname,
      port: Number(port),
      localAddress: `127.1.${Math.floor(client / 250)}.${(client % 250) + 1}`,
    })
    // The server ends what is too slow, which is what is measured here.
    socket.on('error', () => {})
    if (first !== '') socket.write(first)
    sockets.push(socket)
    // The queue of connections that wait to be taken is short.
    if (at % 100 === 99) await new Promise((resolve) => socket.once('connect', resolve))
  }
  return sockets
}

const endAll = (sockets: readonly Socket[]) => async () => {
  for (const socket of sockets) socket.destroy()
  await sleep(500)
}

/** One client that asks for the same again and again, eight times at once; in a thread, so that it holds up no reader here. */
function askAgainAndAgain(path: string): Burden['begin'] {
  return async ({ url }) => {
    const asking: Asking = { url, path, localAddress: '127.0.0.3' }
    const worker = new Worker(new URL('./ask-again.ts', import.meta.url), { workerData: asking })
    await once(worker, 'online')
    return async () => {
      await worker.terminate()
      await sleep(500)
    }
  }
}

const waiting = 'GET /v1/volumes?type=csi&index=9999999&wait=10m HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'

const burdens: readonly Burden[] = [
  { name: 'nothing else', begin: async () => async () => {} },
  {
    name: '10,000 connections of 100 clients that say nothing',
    begin: async (contender) => endAll(await openMany(contender, 10_000, '')),
  },
  {
    name: '2,000 connections whose headers come a byte a second',
    async begin(contender) {
      const sockets = await openMany(contender, 2_000, 'GET /v1/volumes HTTP/1.1\r\nX-Slow: ')
      const timer = setInterval(() => {
        for (const socket of sockets) if (socket.writable) socket.write('x')
      }, 1_000)
      const end = endAll(sockets)
      return async () => {
        clearInterval(timer)
        await end()
      }
    },
  },
  {
    name: '2,000 blocked queries of 20 clients',
    begin: async (contender) => endAll(await openMany(contender, 2_000, waiting)),
  },
  {
    name: 'one client that lists everything',
    begin: askAgainAndAgain('/v1/volumes?type=csi'),
  },
  {
    name: 'one client with a costly matches',
    begin: askAgainAndAgain(
      `/v1/volumes?type=csi&filter=${encodeURIComponent(`Name matches "(v|o|l|u|m|e)*[a-z]*(-|[0-9]+)*x$"`)}`,
    ),
  },
]

function print(row: Row | undefined): void {
  if (row === undefined) return
  const { burden, p50Ms, p99Ms, perSecond, longestStallMs, rssBytes } = row
  process.stdout.write(
    `${burden.padEnd(54)} ${String(perSecond).padStart(6)}/s  p50 ${p50Ms} ms  p99 ${p99Ms} ms  stall ${longestStallMs} ms  ${Math.round(rssBytes / 2 ** 20)} MiB\n`,
  )
}

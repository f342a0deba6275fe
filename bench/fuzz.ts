import process from 'node:process'
import { parseArgs } from 'node:util'
import fc from 'fast-check'
import { Pool } from 'undici'
import { hostileRequest, sendHostile } from '../test/builders/hostile-requests.ts'
import { volumeBody } from '../test/fakes/api-server.ts'
import { type Contender, startOurs } from './server-contenders.ts'

const atOnce = 8
const perRound = 50_000
const secret = 'S3CRET-NEVER-SHOWN'
/** What caches and compiled code may come to from the first round on. */
const mostGrowth = 1.2

/**
 * Hostile requests at `mooring server`, a process of its own: none is answered with a fault of the server, a stack trace or
 * a secret; and once everything that they made is removed, the process holds no more than after the first of them.
 *   --requests N  (default 1000000)   --seed N  (default: the time)
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      requests: { type: 'string', default: '1000000' },
      seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    },
  })
  const [requests, seed] = [Number(values.requests), Number(values.seed)]
  process.stdout.write(`seed ${seed}\n`)
  const server = await startOurs()
  const faults: string[] = []
  const live: number[] = []
  try {
    const stream = fc.sample(fc.infiniteStream(hostileRequest), { seed, numRuns: 1 })[0]
    const statuses = new Map<number, number>()
    let sent = 0
    while (sent < requests && faults.length === 0) {
      await call(
        server,
        'PUT',
        '/v1/volume/csi/v1/create',
        volumeBody('v1', { Secrets: { password: secret } }),
      )
      const roundEnd = Math.min(requests, sent + perRound)
      const work = async () => {
        while (sent < roundEnd && faults.length === 0) {
          sent++
          const { value: next } = stream?.next() ?? {}
          if (next === undefined) throw new Error('the stream of requests ended')
          // A body beyond the limit is answered, and the connection cut, before it is read.
          const answer = await sendHostile(server.url, next).catch((error: Error) =>
            next.body.length > 4 * 1024 * 1024
              ? { status: 413, text: '' }
              : { status: 599, text: error.message },
          )
          statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
          const isFault =
            answer.status >= 500 || answer.text.includes(secret) || /\n\s+at .*:\d+/.test(answer.text)
          if (isFault)
            faults.push(
              `${answer.status} ${answer.text.slice(0, 300)} to ${JSON.stringify(next).slice(0, 2000)}`,
            )
        }
      }
      await Promise.all(Array.from({ length: atOnce }, work))
      await removeEverything(server)
      live.push((await server.report())?.liveBytes ?? 0)
      const counts = [...statuses].sort(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count}`)
      process.stdout.write(
        `${sent} requests; ${counts.join(', ')}; ${Math.round((live.at(-1) ?? 0) / 1024)} KiB alive\n`,
      )
    }
  } finally {
    await server.close()
  }
  const growth = (live.at(-1) ?? 0) / (live[0] ?? 1)
  if (growth > mostGrowth) faults.push(`what is alive grew by the factor ${growth.toFixed(2)}`)
  for (const fault of faults) process.stdout.write(`${fault}\n`)
  process.stdout.write(faults.length === 0 ? 'no fault, no growth\n' : `${faults.length} faults\n`)
  if (faults.length > 0) process.exitCode = 1
}

async function call({ url }: Contender, method: 'GET' | 'PUT' | 'DELETE', path: string, body?: object) {
  const pool = new Pool(url)
  const answer = await pool.request({ method, path, body: body === undefined ? null : JSON.stringify(body) })
  const text = await answer.body.text()
  await pool.close()
  return { status: answer.statusCode, text }
}

async function removeEverything(server: Contender): Promise<void> {
  const list = async (path: string) => JSON.parse((await call(server, 'GET', path)).text)
  for (const { ID, Namespace } of await list('/v1/volumes?type=csi&namespace=*')) {
    const place = `${encodeURIComponent(ID)}?namespace=${Namespace}`
    const { status, text } = await call(server, 'DELETE', `/v1/volume/csi/${place}`)
    if (status !== 200) throw new Error(`${ID} cannot be removed: ${status} ${text}`)
  }
  for (const { Name } of await list('/v1/namespaces')) {
    if (Name !== 'default') await call(server, 'DELETE', `/v1/namespace/${Name}`)
  }
}

/** A worker that asks for the same again and again, so many times at once, from an address of its own, until it is ended. */
import { workerData } from 'node:worker_threads'
import { Pool } from 'undici'
import { connections, request } from './server-load.ts'

/** What the worker is given. */
export interface Asking {
  readonly url: string
  readonly path: string
  readonly localAddress: string
}

const { url, path, localAddress } = workerData as Asking
const pool = new Pool(url, { connections, connect: { localAddress } })
await Promise.all(
  Array.from({ length: connections }, async () => {
    for (;;) await request(pool, 'GET', path)
  }),
)

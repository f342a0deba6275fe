import type { SecureContext } from 'node:tls'
import { type Dispatcher, Pool, ProxyAgent } from 'undici'
import { connectTimeoutMs } from './explain-failure.ts'

/** How a client speaks TLS. Another object means other certificates, and so new connections. */
export interface TlsSettings {
  readonly secureContext?: SecureContext
  readonly ca?: Buffer | string
  readonly cert?: Buffer | string
  readonly key?: Buffer | string
  /** The name that the server's certificate has to be for, in place of the address's host. */
  readonly servername?: string
  readonly rejectUnauthorized?: boolean
}

export interface PoolOptions {
  /** Connections at once. Default: as many as there are requests. */
  readonly connections?: number
  /** An idle connection is closed after this. Default: undici's, 4 s. */
  readonly keepAliveMs?: number
  /** Larger answers are cut, before they take all memory. -1: no limit, for answers that go on. Default 256 MiB. */
  readonly largestAnswerBytes?: number
}

export interface ConnectionPoolsOptions<Name extends string> {
  /** Scheme, host and port. */
  readonly origin: string
  /** Of a unix socket, in place of the origin's host. */
  readonly socketPath?: string
  /** Address of an HTTP proxy on the way. */
  readonly proxy?: string
  readonly pools: Readonly<Record<Name, PoolOptions>>
}

/** The connections to one server, in pools of different kinds. */
export interface ConnectionPools<Name extends string> {
  /** Where `tls` is another object than before, new connections are made; requests on the old ones end as usual. */
  get(name: Name, tls: TlsSettings | undefined): Dispatcher
  /** Cuts all requests. */
  close(): Promise<void>
}

export function createConnectionPools<Name extends string>(
  options: ConnectionPoolsOptions<Name>,
): ConnectionPools<Name> {
  const { origin, socketPath, proxy } = options
  const names = Object.keys(options.pools) as Name[]
  const open = new Set<Dispatcher>()
  let current: { readonly tls: TlsSettings | undefined; readonly pools: Record<Name, Dispatcher> } | undefined

  function createPool(
    { connections, keepAliveMs, largestAnswerBytes = 256 * 2 ** 20 }: PoolOptions,
    tls: TlsSettings | undefined,
  ): Dispatcher {
    const poolOptions: Pool.Options = {
      // Each request has a deadline of its own; undici's would cut requests that are meant to wait.
      headersTimeout: 0,
      bodyTimeout: 0,
      connectTimeout: connectTimeoutMs,
      // HTTP/2 would put long and short requests on one connection.
      allowH2: false,
      connections: connections ?? null,
      ...(keepAliveMs !== undefined && { keepAliveTimeout: keepAliveMs, keepAliveMaxTimeout: keepAliveMs }),
      maxResponseSize: largestAnswerBytes,
    }
    const connect = { ...tls, timeout: connectTimeoutMs }
    const pool =
      proxy === undefined
        ? new Pool(origin, { ...poolOptions, connect, ...(socketPath !== undefined && { socketPath }) })
        : new ProxyAgent({ ...poolOptions, uri: proxy, requestTls: connect })
    open.add(pool)
    return pool
  }

  /** Requests that are under way end by themselves; whatever waits for changes is asked anew within minutes. */
  function retire(pools: Record<Name, Dispatcher>) {
    for (const name of names) {
      const pool = pools[name]
      const forget = () => open.delete(pool)
      pool.close().then(forget, forget)
    }
  }

  return {
    get(name, tls) {
      if (current === undefined || current.tls !== tls) {
        if (current !== undefined) retire(current.pools)
        const pools = Object.fromEntries(names.map((each) => [each, createPool(options.pools[each], tls)]))
        current = { tls, pools: pools as Record<Name, Dispatcher> }
      }
      return current.pools[name]
    },
    async close() {
      await Promise.all([...open].map((pool) => pool.destroy()))
    },
  }
}

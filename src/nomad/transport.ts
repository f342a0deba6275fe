/**
 * The transport's one promise: a request goes out by the certificates and with the token that the files hold at
 * that moment, and none that is under way is cut for a change of them.
 */
import type { SecureContext } from 'node:tls'
import { Pool } from 'undici'
import { UsageError } from '../lib/errors.ts'
import { parseAddress } from './address.ts'
import { type ClientTlsOptions, readClientTls, readFile, tlsPathsOf } from './client-tls.ts'
import { createFileValue } from './file-value.ts'
import { writesAtOnce } from './lanes.ts'

export interface TransportOptions {
  /** `http://…`, `https://…` (a path in it comes before `/v1`) or `unix:///path`. */
  readonly address: string
  /** ACL secret ID or workload identity. */
  readonly token?: string
  /** File that holds it, read again when it changes, as Nomad rotates workload identities; instead of `token`. */
  readonly tokenFile?: string
  readonly tls?: ClientTlsOptions
  /** Told when a file changed to what cannot be used; what it held before goes on being used. */
  readonly onReloadError?: (error: unknown) => void
}

export interface Transport {
  /** The address, for people. */
  readonly shown: string
  readonly origin: string
  readonly pathPrefix: string
  readonly token: () => string | undefined
  /** Connections of reads, which are kept, and of writes, which are closed as soon as no other write follows. */
  readonly pools: () => Pools
  /** Cuts what is under way. */
  close(): Promise<void>
}

interface Pools {
  readonly reads: Pool
  readonly writes: Pool
}

export const connectTimeoutMs = 10_000
/** After which no write is sent on a connection. */
const writeIdleMs = 1000

/** @throws UsageError where the address or a file is not what it has to be */
export function createTransport(options: TransportOptions): Transport {
  const { tls = {}, onReloadError: onError = () => {} } = options
  const { shown, origin, pathPrefix, socketPath } = parseAddress(options.address)
  const token = createToken(options, onError)
  const secureContext = origin.startsWith('https:')
    ? createFileValue({ paths: tlsPathsOf(tls), read: () => readClientTls(tls), onError })
    : () => undefined
  const open = new Set<Pool>()

  function openPools(context: SecureContext | undefined): Pools {
    // The deadline of a request covers headers and body; undici's own limits would cut blocking queries.
    // HTTP/2 would put what is long and what is short on one connection.
    const poolOptions: Pool.Options = {
      headersTimeout: 0,
      bodyTimeout: 0,
      connectTimeout: connectTimeoutMs,
      allowH2: false,
      ...(socketPath !== undefined && { socketPath }),
      ...(context !== undefined && {
        connect: {
          secureContext: context,
          rejectUnauthorized: tls.skipVerify !== true,
          ...(tls.serverName !== undefined && { servername: tls.serverName }),
        },
      }),
    }
    const pools = {
      reads: new Pool(origin, poolOptions),
      // On a connection that stood idle a write can meet the server's idle close, and then nobody knows whether it
      // was carried out. No server closes one that was in use a moment ago.
      writes: new Pool(origin, {
        ...poolOptions,
        connections: writesAtOnce,
        keepAliveTimeout: writeIdleMs,
        keepAliveMaxTimeout: writeIdleMs,
      }),
    }
    open.add(pools.reads).add(pools.writes)
    return pools
  }

  let context = secureContext()
  let pools = openPools(context)
  return {
    shown,
    origin,
    pathPrefix,
    token,
    pools() {
      const now = secureContext()
      if (now === context) return pools
      for (const pool of [pools.reads, pools.writes]) {
        // Rejects where it is destroyed before it is empty, as close() does.
        pool.close().then(
          () => open.delete(pool),
          () => {},
        )
      }
      context = now
      pools = openPools(now)
      return pools
    },
    async close() {
      await Promise.all([...open].map((pool) => pool.destroy()))
    },
  }
}

function createToken(
  { token, tokenFile }: TransportOptions,
  onError: (error: unknown) => void,
): () => string | undefined {
  if (tokenFile === undefined) return () => token
  return createFileValue({
    paths: [tokenFile],
    read() {
      const text = readFile(tokenFile, 'file of the Nomad token').trim()
      if (!/^[\x21-\x7e]+$/.test(text)) throw new UsageError(`${tokenFile} holds no token of Nomad`)
      return text
    },
    onError,
  })
}

import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { type Clock, delay, systemClock } from '../lib/clock.ts'
import { errorCode, UsageError } from '../lib/errors.ts'
import { defaultLimits, type Limits } from '../lib/http/limits.ts'
import { isLoopback } from '../lib/http/own-host.ts'
import { loadTls, type TlsFiles, watchTls } from '../lib/http/tls.ts'
import type { Log } from '../lib/log.ts'
import { type Acl, noAcl, openAcl } from './acl/acl.ts'
import { createMountPoints } from './claims/mount-points.ts'
import type { Registration } from './context.ts'
import { createHostVolumePlugins } from './host-volumes/plugins.ts'
import { serveServerAdmin } from './http/admin-server.ts'
import { createHttpServer } from './http/http-server.ts'
import { followPluginDirectory } from './plugins/plugin-directory.ts'
import { createPluginRegistry, type PluginConfig, type PluginRegistryOptions } from './plugins/registry.ts'
import { createServerApi } from './server-api.ts'
import { openState } from './state/state.ts'

export interface ServerOptions {
  /** Port 0 takes a free one. */
  readonly http: { readonly host: string; readonly port: number }
  /** Made if it is not there. One server at a time. */
  readonly dataDirectory: string
  /** The key that secrets are stored with. Default: `server.key` in the data directory. */
  readonly keyFile?: string
  readonly plugins: readonly PluginConfig[]
  /** Every `ID.sock` in this folder is a plugin too, for as long as it is there. */
  readonly pluginDirectory?: string
  readonly log: Log
  readonly clock?: Clock
  /** Between two probes of a healthy plugin, in milliseconds. Default 30 s, as Nomad's clients. */
  readonly probeIntervalMs?: number
  /** How long the start waits for plugins to be healthy, and for unfinished creates. Default 5 s. */
  readonly startTimeoutMs?: number
  /** How long close waits for unfinished requests before it cancels their plugin calls. Default 10 s. */
  readonly drainTimeoutMs?: number
  /** Default `page`. */
  readonly registration?: Registration
  /** Claims publish volumes beneath this folder only. Default: nowhere. */
  readonly mountRoot?: string
  /** Dynamic host volumes are made beneath it. Default: `host_volumes` in the data directory. */
  readonly hostVolumesDirectory?: string
  /** Its executables are plugins of host volumes. Default: `host_volume_plugins` in the data directory. */
  readonly hostVolumePluginDirectory?: string
  /** What the API calls this machine. Default: its host name. */
  readonly nodeName?: string
  /** Default `global`. */
  readonly region?: string
  /** From 0 up to 1, to spread the ends of blocking queries. */
  readonly random?: () => number
  /** Names that clients may call the server by, beside `http.host`, the machine's, and the certificate's. */
  readonly allowedHosts?: readonly string[]
  readonly tls?: TlsFiles
  readonly limits?: Partial<Limits>
  /** Who may do what (docs/server.md). Not given: everybody everything. */
  readonly aclFile?: string
  /** Goes around every call of a plugin. */
  readonly aroundPluginCall?: PluginRegistryOptions['aroundCall']
  /** Listen off loopback although not everything that guards is there. Default: refuse. */
  readonly insecure?: boolean
}

export interface Server {
  /** Where it listens: `http://127.0.0.1:4646`. */
  readonly url: string
  /** Answers blocked queries with the current state, lets other requests finish, and closes the state. */
  close(): Promise<void>
}

/**
 * The Volumes HTTP API over CSI plugins. It listens once the plugins are found healthy and the creates
 * that an earlier process left unfinished are replayed (or `startTimeoutMs` have passed on each), so that the first answer is true.
 * @throws UsageError where the data directory or the address is taken
 */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { log, clock = systemClock, startTimeoutMs = 5_000, drainTimeoutMs = 10_000 } = options
  requireGuarded(options)
  const tls = options.tls && loadTls(options.tls)
  const state = openState(options.dataDirectory, clock, { keyFile: options.keyFile, log })
  const acl = openAclOf(options, clock, () => state.close())
  const plugins = createPluginRegistry({
    plugins: options.plugins,
    state,
    log,
    clock,
    probeIntervalMs: options.probeIntervalMs ?? 30_000,
    ...(options.aroundPluginCall && { aroundCall: options.aroundPluginCall }),
  })
  const node = {
    id: state.nodeID,
    name: options.nodeName ?? hostname(),
    region: options.region ?? 'global',
    datacenter: 'dc1',
  }
  const api = createServerApi(
    {
      state,
      plugins,
      node,
      dataDirectory: options.dataDirectory,
      registration: options.registration ?? 'page',
      mounts: createMountPoints(options.mountRoot, join(options.dataDirectory, 'staging')),
      hostVolumes: createHostVolumePlugins(
        {
          volumes: resolve(options.hostVolumesDirectory ?? join(options.dataDirectory, 'host_volumes')),
          plugins: resolve(
            options.hostVolumePluginDirectory ?? join(options.dataDirectory, 'host_volume_plugins'),
          ),
        },
        state.nodeID,
        log,
      ),
      newID: randomUUID,
      aclEnabled: acl !== noAcl,
      log,
      clock,
    },
    options.random ?? Math.random,
  )
  const http = createHttpServer({
    resources: api.resources,
    absent: api.absent,
    region: node.region,
    names: [options.http.host, hostname(), ...(options.allowedHosts ?? [])].map((name) => name.toLowerCase()),
    ...(tls !== undefined && { tls }),
    limits: { ...defaultLimits, ...options.limits },
    acl,
    log,
    clock,
    settled: state.settled,
  })
  const unwatchTls = options.tls === undefined ? () => {} : watchTls(options.tls, clock, log, http.useTls)

  const unfollow =
    options.pluginDirectory === undefined
      ? () => {}
      : followPluginDirectory(options.pluginDirectory, clock, log, plugins.replaceDiscovered)

  let admin: { close(): Promise<void> } | undefined
  const close = async () => {
    unfollow()
    api.close()
    await admin?.close()
    unwatchTls()
    acl.close()
    const drained = new AbortController()
    const closed = http.close().finally(() => drained.abort())
    await delay(clock, drainTimeoutMs, drained.signal)
    // What still waits for a plugin ends here; the intents of creates are stored.
    plugins.close()
    await closed
    state.close()
  }

  try {
    admin = await serveServerAdmin(options.dataDirectory, state, log)
    await api.recover(startTimeoutMs)
    const url = (await listen(http.app, options.http)).replace(
      /^http:/,
      tls === undefined ? 'http:' : 'https:',
    )
    log.info({ url, dataDirectory: options.dataDirectory }, 'server listens')
    return { url, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** @throws UsageError as openAcl, after `onFailure` */
function openAclOf({ aclFile, log }: ServerOptions, clock: Clock, onFailure: () => void): Acl {
  try {
    return aclFile === undefined ? noAcl : openAcl(aclFile, clock, log)
  } catch (error) {
    onFailure()
    throw error
  }
}

/** @throws UsageError where other machines could reach a server without TLS or ACL */
function requireGuarded({ http: { host }, tls, aclFile, insecure }: ServerOptions): void {
  if (isLoopback(host) || insecure === true) return
  const missing = [
    ...(tls === undefined ? ['TLS (--tls-cert and --tls-key)'] : []),
    ...(aclFile === undefined ? ['an ACL (--acl-file)'] : []),
  ]
  if (missing.length === 0) return
  throw new UsageError(
    `refuses to listen on ${host} without ${missing.join(' and ')}: whoever reaches it could delete volumes. Listen on 127.0.0.1, or run mooring server with what is missing, or with --insecure`,
  )
}

async function listen(
  app: ReturnType<typeof createHttpServer>['app'],
  { host, port }: ServerOptions['http'],
): Promise<string> {
  try {
    return await app.listen({ host, port })
  } catch (error) {
    const code = errorCode(error)
    if (code === 'EADDRINUSE') {
      throw new UsageError(`${host}:${port} is taken: choose another address with --http`, { cause: error })
    }
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EACCES') {
      throw new UsageError(`cannot listen on ${host}:${port} (${code}): choose another address with --http`, {
        cause: error,
      })
    }
    throw error
  }
}

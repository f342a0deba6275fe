import type { IncomingHttpHeaders } from 'node:http'
import type { Connect } from '../../../src/csi/connection.ts'
import type { Clock } from '../../../src/lib/clock.ts'
import type { Log } from '../../../src/lib/log.ts'
import { noAcl } from '../../../src/server/acl/acl.ts'
import type { MountPoints } from '../../../src/server/claims/mount-points.ts'
import { ApiError } from '../../../src/server/errors.ts'
import type { ApiAnswer, ApiRequest } from '../../../src/server/http/api.ts'
import { indexHeaders, refusalOf } from '../../../src/server/http/refusal.ts'
import { createOperation, readRequest, servedMethod } from '../../../src/server/http/run-operation.ts'
import { writeBody } from '../../../src/server/http/write-body.ts'
import { createPluginRegistry } from '../../../src/server/plugins/registry.ts'
import { createServerApi } from '../../../src/server/server-api.ts'
import { readState, type State } from '../../../src/server/state/state.ts'
import type { Owner, Scheduler } from '../scheduler.ts'
import type { ServerDisk } from './disk.ts'
import { pluginID } from './requests.ts'

/** No history makes host volumes. */
const noHostPlugin = () => {
  throw new Error('this machine has no plugin of host volumes')
}

export interface ServerRequest {
  readonly method: 'GET' | 'PUT' | 'DELETE'
  readonly path: string
  readonly headers?: IncomingHttpHeaders
  readonly body?: string | undefined
  /** The connection is gone. */
  readonly signal: AbortSignal
}

export interface ServerAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  /** In the place of the text: a body without an end. */
  readonly lines?: AsyncIterable<string>
}

export interface ServerProcess {
  readonly owner: Owner
  /** undefined: it does not listen yet. */
  answer(): ((request: ServerRequest) => Promise<ServerAnswer>) | undefined
  /** For the end of a history. undefined: it has not read its state yet. */
  state(): State | undefined
}

/** How long the start waits for plugins and for what was left unfinished. */
const startTimeoutMs = 5_000

/**
 * One process of `mooring server`: its real state over SQLite, registry of plugins, routes and work in the background. What
 * is not here is HTTP on a socket (Fastify), the lock on the data directory and the admin socket.
 */
export function startServerProcess(options: {
  readonly name: string
  readonly scheduler: Scheduler
  readonly disk: ServerDisk
  readonly connect: (owner: Owner) => Connect
  readonly mounts: MountPoints
  readonly wallMs: () => number
  readonly bootedAtMs: number
  readonly random: () => number
  readonly newID: () => string
  readonly log: Log
  readonly onState: (state: State) => void
  readonly onListening: () => void
}): ServerProcess {
  const { scheduler, disk, log, random, mounts, newID, bootedAtMs } = options
  const owner: Owner = { name: options.name, isAlive: true }
  const monotonicMs = () => scheduler.nowMs - bootedAtMs
  const clock: Clock = {
    now: options.wallMs,
    monotonicMs,
    uptimeMs: monotonicMs,
    boot: `boot at ${bootedAtMs}`,
    started: { dateMs: options.wallMs(), uptimeMs: monotonicMs() },
    after: (delayMs, callback) => scheduler.after(owner, delayMs, 'timer of the server', callback),
  }
  let state: State | undefined
  let answer: ReturnType<ServerProcess['answer']>

  async function begin() {
    const opened = readState(disk.open(owner), clock, newID)
    state = opened
    options.onState(opened)
    const plugins = createPluginRegistry({
      plugins: [{ id: pluginID, endpoint: 'simulated' }],
      state: opened,
      log,
      clock,
      probeIntervalMs: 30_000,
      connect: options.connect(owner),
    })
    const node = { id: opened.nodeID, name: 'this-machine', region: 'global', datacenter: 'dc1' }
    const api = createServerApi(
      {
        state: opened,
        plugins,
        node,
        dataDirectory: 'the simulated disk',
        registration: 'page',
        hostVolumes: { fingerprint: async () => {}, get: noHostPlugin, versions: () => new Map() },
        mounts,
        newID,
        aclEnabled: false,
        log,
        clock,
      },
      random,
    )
    await api.recover(startTimeoutMs)
    const route = createRouter(api.resources, opened.settled)
    const run = async ({ method, path, headers = {}, body, signal }: ServerRequest): Promise<ApiAnswer> => {
      const [pathname = ''] = path.split('?', 1)
      const found = route(method, pathname)
      const request = readRequest(
        { url: path, params: found?.params ?? {}, headers, signal },
        'global',
        noAcl,
      )
      if (found === undefined) return await api.absent(method, pathname, request)
      return await found.operation(request, body === undefined ? undefined : Buffer.from(body))
    }
    answer = async (request) => {
      try {
        return await present(await run(request))
      } catch (error) {
        const { status, headers, text } = refusalOf(error, log)
        return { status, headers: inLowerCase(headers), text }
      }
    }
    options.onListening()
  }

  scheduler.after(owner, 0, `${owner.name} starts`, () => void begin())
  return { owner, answer: () => answer, state: () => state }
}

async function present(given: ApiAnswer): Promise<ServerAnswer> {
  const headers = inLowerCase({
    ...indexHeaders(given.index),
    ...(given.nextToken && { 'X-Nomad-NextToken': given.nextToken }),
  })
  if (given.lines !== undefined) return { status: 200, headers, text: '', lines: given.lines }
  const body = writeBody(given, false, undefined)
  if (body !== undefined && typeof body !== 'string') throw new Error('a list is too long for a history')
  return { status: 200, headers, text: body ?? '' }
}

const inLowerCase = (headers: object): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]))

type Operation = (request: ApiRequest, bytes: Buffer | undefined) => Promise<ApiAnswer>

/** Finds the resource of a path, as the router of Fastify does: a fixed part goes before a named one. */
function createRouter(
  resources: readonly Parameters<typeof createOperation>[0][],
  settled: Parameters<typeof createOperation>[2],
) {
  const routes = resources.map((resource) => ({ resource, parts: resource.path.split('/') }))
  return (
    method: string,
    path: string,
  ): { operation: Operation; params: Record<string, string> } | undefined => {
    const parts = path.split('/')
    const matches = routes.filter(
      (route) =>
        route.parts.length === parts.length &&
        route.parts.every((part, index) => part.startsWith(':') || part === parts[index]),
    )
    const [best] = matches.sort((one, other) => named(one.parts) - named(other.parts))
    if (best === undefined) return undefined
    const served = servedMethod(method)
    const operation = served && createOperation(best.resource, served, settled)
    if (operation === undefined) throw new ApiError(405, 'Invalid method')
    const params = best.parts.flatMap((part, index) =>
      part.startsWith(':') ? [[part.slice(1), decodeURIComponent(parts[index] ?? '')] as const] : [],
    )
    return { operation, params: Object.fromEntries(params) }
  }
}

const named = (parts: readonly string[]) => parts.filter((part) => part.startsWith(':')).length

import type { ServerResponse } from 'node:http'
import { stringifyJSON } from '../../src/lib/json.ts'
import type { Plugin } from '../../src/wire/plugin.ts'
import type { Snapshot } from '../../src/wire/snapshot.ts'
import type { ExternalVolume, Volume } from '../../src/wire/volume.ts'
import { aPluginStub, aVolumeStub } from '../builders/nomad.ts'
import { type Answer, type FakeServer, type ReceivedRequest, startHttpServer } from './http-server.ts'

export interface FakeNomad extends FakeServer {
  /** Registers or changes volumes: each gets the table's next index, and blocked queries wake. */
  putVolume(...volumes: Volume[]): void
  removeVolume(namespace: string, volumeID: string): void
  /** Changes what is not versioned: no index moves, nobody wakes. */
  changeSilently(change: (volume: Volume) => Volume): void
  putPlugin(plugin: Plugin): void
  removePlugin(pluginID: string): void
  /** By plugin ID; an Error is answered with 500 and its message. */
  readonly externalVolumes: Map<string, ExternalVolume[] | Error>
  readonly snapshots: Map<string, Snapshot[] | Error>
  /** The most volumes that a page has, whatever is asked for. */
  largestPage: number
  /** As after a restore from an older backup: the index goes back and blocked queries return. */
  restore(index: number): void
  /** While set, every answer, except that undefined leaves a request unanswered. */
  failure: Answer | 'cut' | undefined
  /** While set, answers wait for it; what they say was decided before. */
  hold: Promise<void> | undefined
  /** What its servers run; events are given from 1.10.7 and 1.11.1 on. Default: 1.9.0. */
  versions: readonly string[]
  /** Sends an event to all who listen. */
  emit(topic: string, key: string, namespace?: string, index?: number): void
  /** Event streams open now. */
  listening(): number
  /** Requests so far, as `GET /v1/volumes`. */
  count(start: string): number
}

/** The reading half of Nomad's Volumes API, with blocking queries, on loopback. */
export async function startFakeNomad(): Promise<FakeNomad> {
  const volumes = new Map<string, Volume>()
  const plugins = new Map<string, Plugin>()
  const index = { volumes: 10, plugins: 10 }
  const waiters = new Set<() => void>()

  function wake() {
    for (const waiter of [...waiters]) waiter()
  }

  /** Resolves when the table has moved from the index that is asked for, or the wait is over. */
  async function block(table: 'volumes' | 'plugins', query: URLSearchParams) {
    const wanted = Number(query.get('index') ?? 0)
    const isOver = AbortSignal.timeout(Number.parseInt(query.get('wait') ?? '0', 10))
    while (wanted > 0 && index[table] === wanted && !isOver.aborted && nomad.failure === undefined) {
      await new Promise<void>((resolve) => {
        const waiter = () => {
          waiters.delete(waiter)
          isOver.removeEventListener('abort', waiter)
          resolve()
        }
        waiters.add(waiter)
        isOver.addEventListener('abort', waiter)
      })
    }
  }

  async function answer({ path, query }: ReceivedRequest): Promise<Answer | 'cut'> {
    if (nomad.failure) return nomad.failure
    const namespace = query.get('namespace') ?? 'default'
    if (path === '/v1/volumes') {
      await block('volumes', query)
      if (nomad.failure) return nomad.failure
      const token = query.get('next_token') ?? ''
      const list = [...volumes.values()]
        .filter((volume) => volume.Namespace === namespace && volume.ID >= token)
        .sort((one, other) => (one.ID < other.ID ? -1 : 1))
      const next = query.has('per_page') ? list[nomad.largestPage]?.ID : undefined
      const page = next === undefined ? list : list.slice(0, nomad.largestPage)
      return indexed(index.volumes, page.map(aVolumeStub), next)
    }
    if (path === '/v1/plugins') {
      await block('plugins', query)
      if (nomad.failure) return nomad.failure
      return indexed(index.plugins, [...plugins.values()].map(aPluginStub))
    }
    if (path === '/v1/allocations' || path === '/v1/nodes') return json([])
    const pluginID = query.get('plugin_id') ?? ''
    if (path === '/v1/volumes/external') {
      const list = nomad.externalVolumes.get(pluginID) ?? new Error('no such plugin')
      return list instanceof Error ? { status: 500, body: list.message } : json({ Volumes: list })
    }
    if (path === '/v1/volumes/snapshot') {
      const list = nomad.snapshots.get(pluginID) ?? new Error('no such plugin')
      return list instanceof Error ? { status: 500, body: list.message } : json({ Snapshots: list })
    }
    const id = path.split('/').at(-1) ?? ''
    const found = path.startsWith('/v1/plugin/csi/') ? plugins.get(id) : volumes.get(`${namespace}/${id}`)
    if (found) return json(found)
    return { status: 404, body: path.startsWith('/v1/plugin/') ? 'plugin not found' : 'volume not found' }
  }

  const listeners = new Set<ServerResponse>()
  const server = await startHttpServer(async (request, response) => {
    if (request.path === '/v1/agent/members') {
      return json({ Members: nomad.versions.map((build) => ({ Status: 'alive', Tags: { build } })) })
    }
    if (request.path === '/v1/event/stream') {
      response.writeHead(200).write('{}\n')
      listeners.add(response)
      response.on('close', () => listeners.delete(response))
      return undefined
    }
    const reply = await answer(request)
    await nomad.hold
    if (reply !== 'cut') return reply
    response.socket?.destroy()
    return undefined
  })

  const nomad: FakeNomad = {
    ...server,
    putVolume(...changed) {
      for (const volume of changed) {
        index.volumes += 1
        volumes.set(`${volume.Namespace}/${volume.ID}`, { ...volume, ModifyIndex: index.volumes })
      }
      wake()
    },
    removeVolume(namespace, volumeID) {
      volumes.delete(`${namespace}/${volumeID}`)
      index.volumes += 1
      wake()
    },
    changeSilently(change) {
      for (const [key, volume] of volumes) volumes.set(key, change(volume))
    },
    putPlugin(plugin) {
      index.plugins += 1
      plugins.set(plugin.ID, { ...plugin, ModifyIndex: index.plugins })
      wake()
    },
    removePlugin(pluginID) {
      plugins.delete(pluginID)
      index.plugins += 1
      wake()
    },
    externalVolumes: new Map(),
    snapshots: new Map(),
    largestPage: 1000,
    restore(to) {
      index.volumes = to
      wake()
    },
    versions: ['1.9.0'],
    emit(Topic, Key, Namespace = '', Index = 1) {
      const Events = [{ Topic, Type: 'Any', Key, Namespace, Payload: {} }]
      for (const listener of listeners) listener.write(`${stringifyJSON({ Index, Events })}\n`)
    },
    listening: () => listeners.size,
    failure: undefined,
    hold: undefined,
    count: (start) =>
      server.requests.filter(({ method, path }) => `${method} ${path}`.startsWith(start)).length,
    close() {
      nomad.failure = 'cut'
      wake()
      return server.close()
    },
  }
  return nomad
}

function json(body: unknown): Answer {
  return { body: stringifyJSON(body) }
}

function indexed(index: number, body: unknown, next?: string): Answer {
  return {
    headers: { 'x-nomad-index': String(index), ...(next && { 'x-nomad-nexttoken': next }) },
    body: stringifyJSON(body),
  }
}

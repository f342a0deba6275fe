import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import process from 'node:process'
import type { Volume, VolumeRequest } from '../src/wire/volume.ts'
import { aPlugin, aPluginStub, aVolume, aVolumeStub } from '../test/builders/nomad.ts'

/**
 * A Nomad with one CSI plugin in memory, as a process of its own, that is quick enough that what is measured over it is
 * the operator: lists with pages, an index and blocking queries, events, external volumes in pages, snapshots. It prints its
 * port. `POST /fill?from=N&to=N` puts volumes there, `many-N` by name, that the plugin has too.
 */
const pluginID = 'bench'
const externalPage = 1000
const namespace = 'default'

const abilities = {
  SupportsCreateDelete: true,
  SupportsAttachDetach: false,
  SupportsListVolumes: true,
  SupportsGetCapacity: false,
  SupportsCreateDeleteSnapshot: true,
  SupportsListSnapshots: true,
  SupportsClone: true,
  SupportsReadOnlyAttach: false,
  SupportsExpand: true,
  SupportsListVolumesAttachedNodes: false,
  SupportsCondition: false,
  SupportsGet: false,
}
const plugin = aPlugin(pluginID, {
  Controllers: {
    node: {
      PluginID: pluginID,
      AllocID: 'allocation',
      Healthy: true,
      HealthDescription: 'healthy',
      UpdateTime: '2026-01-01T00:00:00Z',
      Provider: `${pluginID}.csi.example.com`,
      ProviderVersion: '1.0.0',
      RequiresControllerPlugin: true,
      RequiresTopologies: false,
      ControllerInfo: abilities,
    },
  },
})

/** Texts by ID in the order of their IDs, of which pages are cut. */
class Table {
  readonly #texts = new Map<string, string>()
  #sorted: string[] | undefined

  set(id: string, text: string): void {
    if (!this.#texts.has(id)) this.#sorted = undefined
    this.#texts.set(id, text)
  }

  delete(id: string): boolean {
    const was = this.#texts.delete(id)
    if (was) this.#sorted = undefined
    return was
  }

  /** @param token the first ID of the page; empty for the first page */
  page(token: string, size: number): { readonly texts: string[]; readonly next: string } {
    this.#sorted ??= [...this.#texts.keys()].sort()
    const from = firstAtLeast(this.#sorted, token)
    const ids = this.#sorted.slice(from, from + size)
    return { texts: ids.map((id) => this.#texts.get(id) ?? ''), next: this.#sorted[from + size] ?? '' }
  }
}

function firstAtLeast(sorted: readonly string[], wanted: string): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] ?? '') < wanted) low = middle + 1
    else high = middle
  }
  return low
}

const volumes = new Map<string, Volume>()
const stubs = new Table()
const external = new Table()
const snapshots = new Table()
const waiters = new Set<() => void>()
/** Open streams of events. */
const listeners = new Set<ServerResponse>()
let index = 100

function wake(): void {
  for (const waiter of [...waiters]) waiter()
}

function emit(id: string): void {
  const event = { Topic: 'CSIVolume', Namespace: namespace, Key: id }
  for (const listener of listeners) listener.write(`${JSON.stringify({ Index: index, Events: [event] })}\n`)
}

function store(volume: Volume): void {
  index += 1
  const stored = { ...volume, ModifyIndex: index }
  volumes.set(volume.ID, stored)
  stubs.set(volume.ID, JSON.stringify(aVolumeStub(stored)))
}

function provide(id: string, bytes: number): void {
  const text = { ExternalID: id, CapacityBytes: bytes, VolumeContext: null, CloneID: '', SnapshotID: '' }
  external.set(id, JSON.stringify({ ...text, PublishedExternalNodeIDs: null, IsAbnormal: false, Status: '' }))
}

function put(id: string, request: VolumeRequest, isCreate: boolean): void {
  const before = volumes.get(id)
  const externalID = before?.ExternalID ?? (isCreate ? `${request.Name}` : (request.ExternalID ?? ''))
  const bytes = Math.max(Number(request.RequestedCapacityMin ?? 0), Number(before?.Capacity ?? 2 ** 30))
  provide(externalID, bytes)
  store(
    aVolume(id, {
      ...(before ?? { CreateIndex: index + 1 }),
      Name: request.Name ?? id,
      ExternalID: externalID,
      PluginID: pluginID,
      Provider: plugin.Provider,
      Topologies: null,
      RequestedCapabilities: request.RequestedCapabilities ?? null,
      RequestedCapacityMin: request.RequestedCapacityMin ?? 0,
      Capacity: bytes,
      Parameters: request.Parameters ?? null,
      Context: request.Context ?? {},
    }),
  )
}

function fill(from: number, to: number): void {
  for (let number = from; number < to; number++) {
    const ID = `many-${number}`
    provide(ID, 2 ** 30)
    put(ID, { ID, Name: ID, ExternalID: ID, PluginID: pluginID, ...capability }, false)
  }
  wake()
}
const capability = {
  RequestedCapabilities: [{ AccessMode: 'single-node-writer', AttachmentMode: 'file-system' }],
}

async function block(query: URLSearchParams, response: ServerResponse): Promise<void> {
  const wanted = Number(query.get('index') ?? 0)
  if (wanted === 0 || index !== wanted) return
  await new Promise<void>((resolve) => {
    const end = () => {
      clearTimeout(timer)
      waiters.delete(end)
      resolve()
    }
    const timer = setTimeout(end, Number.parseInt(query.get('wait') ?? '0', 10))
    waiters.add(end)
    response.on('close', end)
  })
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams: query } = new URL(request.url ?? '', 'http://memory')
  const reply = (text: string, headers: Record<string, string> = {}, status = 200) =>
    response.writeHead(status, { 'X-Nomad-Index': String(index), ...headers }).end(text)
  const parts = pathname.split('/').slice(2).map(decodeURIComponent)
  const [route = '', second = '', id = '', action = ''] = parts
  if (request.method === 'POST') {
    fill(Number(query.get('from')), Number(query.get('to')))
    return void reply('{}')
  }
  const body = request.method === 'PUT' ? JSON.parse(await textOf(request)) : undefined
  switch (`${request.method} ${route}/${second}`) {
    case 'GET volumes/': {
      await block(query, response)
      const size = Number(query.get('per_page') ?? Number.MAX_SAFE_INTEGER)
      const { texts, next } = stubs.page(query.get('next_token') ?? '', size)
      return void reply(`[${texts}]`, next === '' ? {} : { 'X-Nomad-NextToken': next })
    }
    case 'GET volumes/external': {
      const { texts, next } = external.page(query.get('next_token') ?? '', externalPage)
      return void reply(`{"Volumes":[${texts}],"NextToken":${JSON.stringify(next)}}`)
    }
    case 'GET volumes/snapshot': {
      const { texts, next } = snapshots.page(query.get('next_token') ?? '', externalPage)
      return void reply(`{"Snapshots":[${texts}],"NextToken":${JSON.stringify(next)}}`)
    }
    case 'PUT volumes/snapshot': {
      const [{ SourceVolumeID, Name }] = body.Snapshots
      const snapshot = {
        ID: `snapshot ${Name}`,
        ExternalSourceVolumeID: volumes.get(SourceVolumeID)?.ExternalID ?? '',
        SizeBytes: 2 ** 30,
        CreateTime: Math.floor(Date.now() / 1000),
        IsReady: true,
      }
      snapshots.set(snapshot.ID, JSON.stringify(snapshot))
      return void reply(JSON.stringify({ Snapshots: [{ ...snapshot, SourceVolumeID, Name }] }))
    }
    case 'DELETE volumes/snapshot':
      snapshots.delete(query.get('snapshot_id') ?? '')
      return void reply('{}')
    case 'GET volume/csi': {
      const found = volumes.get(id)
      return void (found === undefined ? reply('volume not found', {}, 404) : reply(JSON.stringify(found)))
    }
    case 'PUT volume/csi':
      put(id, body.Volumes[0], action === 'create')
      emit(id)
      wake()
      return void reply('{}')
    case 'DELETE volume/csi': {
      const found = volumes.get(id)
      if (found === undefined) return void reply('volume not found', {}, 404)
      if (action === 'delete') external.delete(found.ExternalID)
      index += 1
      volumes.delete(id)
      stubs.delete(id)
      emit(id)
      wake()
      return void reply('{}')
    }
    case 'GET plugins/':
      if (Number(query.get('index') ?? 0) > 0) await new Promise((resolve) => response.on('close', resolve))
      return void reply(JSON.stringify([aPluginStub(plugin)]))
    case 'GET plugin/csi':
      return void reply(JSON.stringify(plugin))
    case 'GET namespace/default':
      return void reply(JSON.stringify({ Name: namespace }))
    case 'GET agent/members':
      return void reply(JSON.stringify({ Members: [{ Status: 'alive', Tags: { build: '1.11.1' } }] }))
    case 'GET event/stream':
      response.writeHead(200).write('{}\n')
      listeners.add(response)
      response.on('close', () => listeners.delete(response))
      return
    case 'GET allocations/':
    case 'GET nodes/':
      return void reply('[]')
    default:
      return void reply(`no route ${request.method} ${pathname}`, {}, 404)
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += chunk
  return text
}

const server = createServer((request, response) => void answer(request, response))
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.stdout.write(`${typeof address === 'object' ? address?.port : address}\n`)
})

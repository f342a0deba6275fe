import { hash } from 'node:crypto'
import Type, { type Static, type TSchema } from 'typebox'
import { mapOf } from '../lib/partial-map.ts'
import type { Page } from '../lib/read-pages.ts'
import { Plugin, PluginStub } from '../wire/plugin.ts'
import { Snapshot } from '../wire/snapshot.ts'
import { AllocationStub, ExternalVolume, Volume, VolumeStub } from '../wire/volume.ts'
import { classifyAnswer, type Purpose } from './error-table.ts'
import type { BlockingQuery, Http, HttpAnswer, HttpRequest } from './http.ts'
import { listPages } from './list-pages.ts'
import { createAnswerParser, createItemReader } from './parse-answer.ts'
import type { NodeState } from './ports.ts'
import { titleOf, volumePath } from './volume-address.ts'

/** A list, and the index of its whole table; 0 where the server gives none. */
export interface Indexed<Item> {
  readonly items: readonly Item[]
  readonly index: bigint
}

/** A page of a list. */
export interface IndexedPage<Item> extends Indexed<Item> {
  /** Empty or absent: the last page. */
  readonly nextToken?: string
  /** Of the page's text. */
  readonly contentHash?: string
}

/** Asks for a page of a list. */
export interface PageQuery {
  /** Empty for the first page. */
  readonly token: string
  /** The most items. A server that knows no pages gives the whole list. */
  readonly size: number
  /** The page as it was read before. If its text is the same, its items are given again, and nothing is parsed. */
  readonly before?: Pick<IndexedPage<VolumeStub>, 'items' | 'contentHash'> | undefined
}

/**
 * The reads of the Volumes API. They reject with an OperationError, which is never ambiguous. Without an answer they
 * reject; they never return an empty list instead.
 */
export interface VolumeReads {
  /** For one namespace: Nomad's lists over several repeat and omit volumes. @param page default: the whole list */
  listVolumes(
    namespace: string,
    query?: BlockingQuery,
    signal?: AbortSignal,
    page?: PageQuery,
  ): Promise<IndexedPage<VolumeStub>>
  /** undefined: Nomad has no such volume. */
  readVolume(namespace: string, volumeID: string, signal?: AbortSignal): Promise<Volume | undefined>
  listPlugins(query?: BlockingQuery, signal?: AbortSignal): Promise<Indexed<PluginStub>>
  /** undefined: Nomad has no such plugin. */
  readPlugin(pluginID: string, signal?: AbortSignal): Promise<Plugin | undefined>
  /** All pages, by external ID. An entry that cannot be read costs only itself: see `provesAbsence`. */
  listExternalVolumes(pluginID: string, signal?: AbortSignal): Promise<ReadonlyMap<string, ExternalVolume>>
  /**
   * Reads anew the page of the list that showed this external volume last. undefined: no page is known, or it shows it no
   * more, which proves nothing.
   */
  findExternalVolume?(
    pluginID: string,
    externalID: string,
    signal?: AbortSignal,
  ): Promise<ExternalVolume | undefined>
  /** All pages, by snapshot ID. An entry that cannot be read costs only itself: see `provesAbsence`. */
  listSnapshots(pluginID: string, signal?: AbortSignal): Promise<ReadonlyMap<string, Snapshot>>
  /** For one namespace, by ID: over several, Nomad silently omits what the token may not see. */
  listAllocations(namespace: string, signal?: AbortSignal): Promise<ReadonlyMap<string, AllocationStub>>
  /** By node ID. */
  listNodes(signal?: AbortSignal): Promise<ReadonlyMap<string, NodeState>>
  /** Only those that the token may see. */
  listNamespaces(signal?: AbortSignal): Promise<readonly string[]>
  /** To be asked before a create: Nomad finds a missing namespace only after the external volume was made. */
  namespaceExists(namespace: string, signal?: AbortSignal): Promise<boolean>
}

type PluginList = Pick<HttpRequest, 'operation' | 'path' | 'signal'> & { readonly title: string }

/** A page of a plugin's external volumes; undefined stands for an entry that cannot be read. */
interface ListedPage {
  readonly token: string
  readonly items: readonly (ExternalVolume | undefined)[]
}

type ReadRequest = Omit<HttpRequest, 'method' | 'purpose'>

export interface ReadTimeouts {
  /** For a read of Nomad's own state, without the wait of a blocking query. */
  readonly readMs: number
  /** For a list that a plugin answers. */
  readonly pluginReadMs: number
}

export function createVolumeReads(http: Http, timeouts: ReadTimeouts): VolumeReads {
  const parseVolumeStubs = createListParser(VolumeStub)
  const parseVolume = createAnswerParser(Volume)
  const parsePluginStubs = createListParser(PluginStub)
  const parsePlugin = createAnswerParser(Plugin)
  const parseNamespaces = createListParser(Type.Object({ Name: Type.String() }))
  const parseAllocations = createListParser(AllocationStub)
  const parseNodes = createListParser(
    Type.Object({ ID: Type.String(), Status: Type.String(), Drain: Type.Optional(Type.Boolean()) }),
  )
  const parseExternalVolumes = createAnswerParser(ExternalVolumesPage)
  const parseSnapshots = createAnswerParser(SnapshotsPage)
  const readExternalVolume = createItemReader(ExternalVolume)
  const readSnapshot = createItemReader(Snapshot)

  async function read(request: ReadRequest, title: string) {
    const purpose: Purpose = { title, type: 'read' }
    const answer = await http.send({ ...request, method: 'GET', purpose })
    return { ...answer, purpose }
  }

  async function readAll(request: ReadRequest, title: string) {
    const answer = await read(request, title)
    if (answer.status !== 200) throw classifyAnswer(answer.status, answer.text, answer.purpose)
    return answer
  }

  /** undefined where the answer is a 404 with the text `absent`. A 404 without it means that there is no such route. */
  async function readOne(request: ReadRequest, title: string, absent: string) {
    const answer = await read(request, title)
    if (answer.status === 404 && answer.text.includes(absent)) return undefined
    if (answer.status !== 200) throw classifyAnswer(answer.status, answer.text, answer.purpose)
    return answer
  }

  /**
   * All pages of a list that a plugin answers. It requests no page size: Nomad would cut a larger page of the plugin,
   * and then go on after the part that it has cut off (client/csi_endpoint.go).
   */
  function listOfPlugin<Item>(
    pluginID: string,
    list: PluginList,
    parsePage: (text: string, purpose: Purpose) => Page<Item>,
    onPage: (token: string, items: readonly Item[]) => void = () => {},
  ): Promise<Item[]> {
    const title = `${list.title} of plugin "${pluginID}"`
    return listPages(title, async ({ next_token = '' }) => {
      const page = await readPage(pluginID, list, next_token, parsePage)
      onPage(next_token, page.items)
      return page
    })
  }

  /** @param token empty for the first page */
  async function readPage<Item>(
    pluginID: string,
    { title: verb, ...request }: PluginList,
    token: string,
    parsePage: (text: string, purpose: Purpose) => Page<Item>,
  ): Promise<Page<Item>> {
    const query = { plugin_id: pluginID, ...(token === '' ? {} : { next_token: token }) }
    const answer = await readAll(
      { ...request, query, pluginID, timeoutMs: timeouts.pluginReadMs },
      `${verb} of plugin "${pluginID}"`,
    )
    return parsePage(answer.text, answer.purpose)
  }

  /** By plugin, the pages of its last list. */
  const externalPages = new Map<string, ListedPage[]>()
  const externalVolumes: PluginList = {
    operation: 'list_external_volumes',
    path: '/volumes/external',
    title: 'list external volumes',
  }
  const parseExternalPage = (text: string, purpose: Purpose): Page<ExternalVolume | undefined> => {
    const { Volumes, NextToken } = parseExternalVolumes(text, purpose)
    return { items: (Volumes ?? []).map(readExternalVolume), nextToken: NextToken }
  }

  return {
    async listVolumes(namespace, query, signal, page) {
      const answer = await readAll(
        {
          operation: query ? 'watch_volumes' : 'list_volumes',
          path: '/volumes',
          query: {
            type: 'csi',
            namespace,
            ...(page && { per_page: String(page.size) }),
            ...(page?.token && { next_token: page.token }),
          },
          blocking: query,
          timeoutMs: timeouts.readMs,
          signal,
        },
        `list volumes in namespace "${namespace}"`,
      )
      const index = indexOf(answer)
      if (page === undefined) return { items: parseVolumeStubs(answer.text, answer.purpose), index }
      const nextToken = answer.header('x-nomad-nexttoken') ?? ''
      const contentHash = hash('sha1', answer.text)
      const isSame = page.before?.contentHash === contentHash
      const items = isSame ? page.before.items : parseVolumeStubs(answer.text, answer.purpose)
      return { items, index, contentHash, ...(nextToken !== '' && { nextToken }) }
    },

    async readVolume(namespace, volumeID, signal) {
      const answer = await readOne(
        {
          operation: 'read_volume',
          path: volumePath(volumeID),
          query: { namespace },
          timeoutMs: timeouts.readMs,
          signal,
        },
        titleOf('read', namespace, volumeID),
        'volume not found',
      )
      return answer && parseVolume(answer.text, answer.purpose)
    },

    async listPlugins(query, signal) {
      const answer = await readAll(
        {
          operation: query ? 'watch_plugins' : 'list_plugins',
          path: '/plugins',
          query: { type: 'csi' },
          blocking: query,
          timeoutMs: timeouts.readMs,
          signal,
        },
        'list plugins',
      )
      return { items: parsePluginStubs(answer.text, answer.purpose), index: indexOf(answer) }
    },

    async readPlugin(pluginID, signal) {
      const answer = await readOne(
        {
          operation: 'read_plugin',
          path: `/plugin/csi/${encodeURIComponent(pluginID)}`,
          timeoutMs: timeouts.readMs,
          signal,
        },
        `read plugin "${pluginID}"`,
        'plugin not found',
      )
      return answer && parsePlugin(answer.text, answer.purpose)
    },

    async listExternalVolumes(pluginID, signal) {
      const pages: ListedPage[] = []
      const volumes = await listOfPlugin(
        pluginID,
        { ...externalVolumes, signal },
        parseExternalPage,
        (token, items) => void pages.push({ token, items }),
      )
      externalPages.set(pluginID, pages)
      return byID(volumes, ({ ExternalID }) => ExternalID)
    },

    async findExternalVolume(pluginID, externalID, signal) {
      const isIt = (volume: ExternalVolume | undefined) => volume?.ExternalID === externalID
      const page = externalPages.get(pluginID)?.find(({ items }) => items.some(isIt))
      if (page === undefined) return undefined
      const now = await readPage(pluginID, { ...externalVolumes, signal }, page.token, parseExternalPage)
      return now.items.find(isIt)
    },

    async listSnapshots(pluginID, signal) {
      const snapshots = await listOfPlugin(
        pluginID,
        { operation: 'list_snapshots', path: '/volumes/snapshot', title: 'list snapshots', signal },
        (text, purpose) => {
          const { Snapshots, NextToken } = parseSnapshots(text, purpose)
          return { items: (Snapshots ?? []).map(withCreateTime).map(readSnapshot), nextToken: NextToken }
        },
      )
      return byID(snapshots, ({ ID }) => ID)
    },

    async listAllocations(namespace, signal) {
      const answer = await readAll(
        {
          operation: 'list_allocations',
          path: '/allocations',
          query: { namespace, task_states: 'false' },
          timeoutMs: timeouts.readMs,
          signal,
        },
        `list allocations in namespace "${namespace}"`,
      )
      return new Map(parseAllocations(answer.text, answer.purpose).map((each) => [each.ID, each]))
    },

    async listNodes(signal) {
      const answer = await readAll(
        { operation: 'list_nodes', path: '/nodes', timeoutMs: timeouts.readMs, signal },
        'list nodes',
      )
      return new Map(
        parseNodes(answer.text, answer.purpose).map(({ ID, Status, Drain = false }) => [
          ID,
          { Status, Drain },
        ]),
      )
    },

    async listNamespaces(signal) {
      const request = {
        operation: 'list_namespaces',
        path: '/namespaces',
        timeoutMs: timeouts.readMs,
        signal,
      } as const
      const answer = await readAll(request, 'list namespaces')
      return parseNamespaces(answer.text, answer.purpose).map(({ Name }) => Name)
    },

    async namespaceExists(namespace, signal) {
      const answer = await readOne(
        {
          operation: 'read_namespace',
          path: `/namespace/${encodeURIComponent(namespace)}`,
          timeoutMs: timeouts.readMs,
          signal,
        },
        `read namespace "${namespace}"`,
        'Namespace not found',
      )
      return answer !== undefined
    },
  }
}

/** A parser of a list. Entries that are null stand for nothing. */
export function createListParser<Item extends TSchema>(item: Item) {
  const parse = createAnswerParser(Type.Array(Type.Union([item, Type.Null()])))
  return (text: string, purpose: Purpose): Static<Item>[] =>
    (parse(text, purpose) as (Static<Item> | null)[]).filter((each): each is Static<Item> => each !== null)
}

/** A page of what a plugin lists, whose entries are read one by one. */
const entries = Type.Union([Type.Array(Type.Unknown()), Type.Null()])
const ExternalVolumesPage = Type.Object({ Volumes: entries, NextToken: Type.Optional(Type.String()) })
const SnapshotsPage = Type.Object({ Snapshots: entries, NextToken: Type.Optional(Type.String()) })

/** A snapshot whose plugin did not say when it was taken has the time 0, as Nomad gives it. */
function withCreateTime(entry: unknown): unknown {
  return typeof entry === 'object' && entry !== null && !('CreateTime' in entry && entry.CreateTime !== null)
    ? { ...entry, CreateTime: 0 }
    : entry
}

/** @param items undefined for an entry that cannot be read */
function byID<Item>(
  items: readonly (Item | undefined)[],
  idOf: (item: Item) => string,
): ReadonlyMap<string, Item> {
  const read = items.filter((item) => item !== undefined)
  return mapOf(
    read.map((item) => [idOf(item), item]),
    items.length - read.length,
  )
}

export function indexOf(answer: HttpAnswer): bigint {
  const text = answer.header('x-nomad-index') ?? ''
  return /^\d+$/.test(text) ? BigInt(text) : 0n
}

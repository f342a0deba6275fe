import Type from 'typebox'
import type { Page } from '../lib/read-pages.ts'
import { Plugin, PluginStub } from '../wire/plugin.ts'
import { type Snapshot, SnapshotsResponse } from '../wire/snapshot.ts'
import {
  AllocationStub,
  type ExternalVolume,
  ExternalVolumesResponse,
  Volume,
  VolumeStub,
} from '../wire/volume.ts'
import { type Call, classifyAnswer } from './error-table.ts'
import type { BlockingQuery, Http, HttpAnswer, HttpRequest } from './http.ts'
import { listPages } from './list-pages.ts'
import { createAnswerParser } from './parse-answer.ts'
import type { NodeState } from './ports.ts'
import { titleOf, volumePath } from './volume-address.ts'

/** What a list had, and the index of its whole table, 0 where the server gives none. */
export interface Indexed<Item> {
  readonly items: readonly Item[]
  readonly index: bigint
}

/**
 * The calls of the Volumes API that change nothing. They reject with an OperationError, never an
 * ambiguous one; a list that is empty and an answer that did not come are thus never the same.
 */
export interface VolumeReads {
  /** Of one namespace; Nomad's lists over several repeat and drop volumes. */
  listVolumes(namespace: string, query?: BlockingQuery, signal?: AbortSignal): Promise<Indexed<VolumeStub>>
  /** undefined: Nomad answered that it has no such volume. */
  readVolume(namespace: string, volumeID: string, signal?: AbortSignal): Promise<Volume | undefined>
  listPlugins(query?: BlockingQuery, signal?: AbortSignal): Promise<Indexed<PluginStub>>
  /** undefined: Nomad answered that it has no such plugin. */
  readPlugin(pluginID: string, signal?: AbortSignal): Promise<Plugin | undefined>
  /** All pages, by external ID. */
  listExternalVolumes(pluginID: string, signal?: AbortSignal): Promise<ReadonlyMap<string, ExternalVolume>>
  /** All pages, by snapshot ID. */
  listSnapshots(pluginID: string, signal?: AbortSignal): Promise<ReadonlyMap<string, Snapshot>>
  /** Of one namespace: over several, Nomad silently leaves out what the token may not see. By ID. */
  listAllocations(namespace: string, signal?: AbortSignal): Promise<ReadonlyMap<string, AllocationStub>>
  /** Each node, by ID. */
  listNodes(signal?: AbortSignal): Promise<ReadonlyMap<string, NodeState>>
  /** Those that the token may see. */
  listNamespaces(signal?: AbortSignal): Promise<readonly string[]>
  /** Nomad makes the external volume before it finds that the namespace is missing, so this is asked first. */
  namespaceExists(namespace: string, signal?: AbortSignal): Promise<boolean>
}

type ReadRequest = Omit<HttpRequest, 'method' | 'call'>

export interface ReadTimeouts {
  /** A read of Nomad's own state, without what a blocking query waits. */
  readonly readMs: number
  /** A list that the plugin answers. */
  readonly pluginReadMs: number
}

export function createVolumeReads(http: Http, timeouts: ReadTimeouts): VolumeReads {
  const parseVolumeStubs = createAnswerParser(Type.Array(VolumeStub))
  const parseVolume = createAnswerParser(Volume)
  const parsePluginStubs = createAnswerParser(Type.Array(PluginStub))
  const parsePlugin = createAnswerParser(Plugin)
  const parseExternalVolumes = createAnswerParser(ExternalVolumesResponse)
  const parseNamespaces = createAnswerParser(Type.Array(Type.Object({ Name: Type.String() })))
  const parseAllocations = createAnswerParser(Type.Array(AllocationStub))
  const parseNodes = createAnswerParser(
    Type.Array(
      Type.Object({ ID: Type.String(), Status: Type.String(), Drain: Type.Optional(Type.Boolean()) }),
    ),
  )
  const parseSnapshots = createAnswerParser(SnapshotsResponse)

  async function read(request: ReadRequest, title: string) {
    const call: Call = { title, type: 'read' }
    const answer = await http.send({ ...request, method: 'GET', call })
    return { ...answer, call }
  }

  async function readAll(request: ReadRequest, title: string) {
    const answer = await read(request, title)
    if (answer.status !== 200) throw classifyAnswer(answer.status, answer.text, answer.call)
    return answer
  }

  /** undefined where the answer is a 404 with the given text, as against a route that is not there. */
  async function readOne(request: ReadRequest, title: string, absent: string) {
    const answer = await read(request, title)
    if (answer.status === 404 && answer.text.includes(absent)) return undefined
    if (answer.status !== 200) throw classifyAnswer(answer.status, answer.text, answer.call)
    return answer
  }

  /**
   * All pages of a list that a plugin answers. No page size is asked for: Nomad cuts what a plugin gives beyond it,
   * and passes on the plugin's token for what comes after the cut (client/csi_endpoint.go).
   */
  function listOfPlugin<Item>(
    pluginID: string,
    list: Pick<HttpRequest, 'operation' | 'path' | 'signal'> & { readonly title: string },
    parsePage: (text: string, call: Call) => Page<Item>,
  ): Promise<Item[]> {
    const { title: verb, ...request } = list
    const title = `${verb} of plugin "${pluginID}"`
    return listPages(title, async (page) => {
      const query = { plugin_id: pluginID, ...page }
      const answer = await readAll({ ...request, query, pluginID, timeoutMs: timeouts.pluginReadMs }, title)
      return parsePage(answer.text, answer.call)
    })
  }

  return {
    async listVolumes(namespace, query, signal) {
      const answer = await readAll(
        {
          operation: query ? 'watch_volumes' : 'list_volumes',
          path: '/volumes',
          query: { type: 'csi', namespace },
          blocking: query,
          timeoutMs: timeouts.readMs,
          signal,
        },
        `list volumes in namespace "${namespace}"`,
      )
      return { items: parseVolumeStubs(answer.text, answer.call), index: indexOf(answer) }
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
      return answer && parseVolume(answer.text, answer.call)
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
      return { items: parsePluginStubs(answer.text, answer.call), index: indexOf(answer) }
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
      return answer && parsePlugin(answer.text, answer.call)
    },

    async listExternalVolumes(pluginID, signal) {
      const volumes = await listOfPlugin(
        pluginID,
        {
          operation: 'list_external_volumes',
          path: '/volumes/external',
          title: 'list external volumes',
          signal,
        },
        (text, call) => {
          const { Volumes, NextToken } = parseExternalVolumes(text, call)
          return { items: Volumes ?? [], nextToken: NextToken }
        },
      )
      return new Map(volumes.map((volume) => [volume.ExternalID, volume]))
    },

    async listSnapshots(pluginID, signal) {
      const snapshots = await listOfPlugin(
        pluginID,
        { operation: 'list_snapshots', path: '/volumes/snapshot', title: 'list snapshots', signal },
        (text, call) => {
          const { Snapshots, NextToken } = parseSnapshots(text, call)
          return { items: Snapshots ?? [], nextToken: NextToken }
        },
      )
      return new Map(snapshots.map((snapshot) => [snapshot.ID, snapshot]))
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
      return new Map(parseAllocations(answer.text, answer.call).map((each) => [each.ID, each]))
    },

    async listNodes(signal) {
      const answer = await readAll(
        { operation: 'list_nodes', path: '/nodes', timeoutMs: timeouts.readMs, signal },
        'list nodes',
      )
      return new Map(
        parseNodes(answer.text, answer.call).map(({ ID, Status, Drain = false }) => [ID, { Status, Drain }]),
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
      return parseNamespaces(answer.text, answer.call).map(({ Name }) => Name)
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

function indexOf(answer: HttpAnswer): bigint {
  const text = answer.header('x-nomad-index') ?? ''
  return /^\d+$/.test(text) ? BigInt(text) : 0n
}

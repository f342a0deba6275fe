import Type from 'typebox'
import { OperationError } from '../lib/errors.ts'
import { stringifyJSON } from '../lib/json.ts'
import { HostVolume, HostVolumeResponse, HostVolumeStub } from '../wire/host-volume.ts'
import { AllocationStub, Int64 } from '../wire/volume.ts'
import { classifyAnswer, type Purpose } from './error-table.ts'
import type { HostNode, HostVolumeBody, HostVolumesApi } from './host-volume-ports.ts'
import type { BlockingQuery, Http, HttpAnswer, HttpRequest } from './http.ts'
import { createAnswerParser } from './parse-answer.ts'
import { createListParser, type Indexed, indexOf, type ReadTimeouts } from './reads.ts'

/** A node as the list of nodes shows it. */
export interface NodeStub {
  readonly ID: string
  readonly NodePool: string
  readonly ModifyIndex: Int64
}

/** An allocation, as far as it tells which volumes it uses. */
export interface AllocationVolumes {
  readonly ID: string
  readonly Name: string
  readonly TaskGroup: string
  readonly Job?: { readonly TaskGroups?: readonly GroupVolumes[] | null } | null
}

interface GroupVolumes {
  readonly Name?: string
  readonly Volumes?: Readonly<Record<string, VolumeUse>> | null
}

interface VolumeUse {
  readonly Type?: string
  readonly Source?: string
  readonly PerAlloc?: boolean
}

/** The reads of dynamic host volumes, and of what they are placed on. As those of the Volumes API. */
export interface HostVolumeReads {
  /** For one namespace. Rejects where the token may not read them: Nomad then answers with an empty list. */
  listHostVolumes(
    namespace: string,
    query?: BlockingQuery,
    signal?: AbortSignal,
  ): Promise<Indexed<HostVolumeStub>>
  /** undefined: Nomad has no such volume. */
  readHostVolume(namespace: string, id: string, signal?: AbortSignal): Promise<HostVolume | undefined>
  listNodeStubs(signal?: AbortSignal): Promise<readonly NodeStub[]>
  /** undefined: Nomad has no such node. */
  readNode(nodeID: string, signal?: AbortSignal): Promise<HostNode | undefined>
  /** undefined: Nomad has no such allocation. */
  readAllocation(
    namespace: string,
    allocationID: string,
    signal?: AbortSignal,
  ): Promise<AllocationVolumes | undefined>
}

/** No volume has this ID. Whoever may read volumes is told that it is not there. */
const nobody = '00000000-0000-0000-0000-000000000000'

const NodeAnswer = Type.Object({
  ID: Type.String(),
  Name: Type.String(),
  Datacenter: Type.String(),
  NodeClass: Type.String(),
  NodePool: Type.String(),
  Status: Type.String(),
  SchedulingEligibility: Type.String(),
  Attributes: Type.Union([Type.Record(Type.String(), Type.String()), Type.Null()]),
  Meta: Type.Union([Type.Record(Type.String(), Type.String()), Type.Null()]),
})
const nullable = <T extends Type.TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]))
const AllocationAnswer = Type.Object({
  ID: AllocationStub.properties.ID,
  Name: Type.String(),
  TaskGroup: Type.String(),
  Job: nullable(
    Type.Object({
      TaskGroups: nullable(
        Type.Array(
          Type.Object({
            Name: Type.Optional(Type.String()),
            Volumes: nullable(
              Type.Record(
                Type.String(),
                Type.Object({
                  Type: Type.Optional(Type.String()),
                  Source: Type.Optional(Type.String()),
                  PerAlloc: Type.Optional(Type.Boolean()),
                }),
              ),
            ),
          }),
        ),
      ),
    }),
  ),
})

const pathOf = (id: string) => `/volume/host/${encodeURIComponent(id)}`

export function createHostVolumeCalls(
  http: Http,
  { readMs, writeMs }: Pick<ReadTimeouts, 'readMs'> & { readonly writeMs: number },
): HostVolumeReads & HostVolumesApi {
  const parseStubs = createListParser(HostVolumeStub)
  const parseVolume = createAnswerParser(HostVolume)
  const parseResponse = createAnswerParser(HostVolumeResponse)
  const parseNodes = createListParser(
    Type.Object({ ID: Type.String(), NodePool: Type.String(), ModifyIndex: Int64 }),
  )
  const parseNode = createAnswerParser(NodeAnswer)
  const parseAllocation = createAnswerParser(AllocationAnswer)

  type Request = Pick<HttpRequest, 'operation' | 'path' | 'query' | 'blocking' | 'signal'>

  async function read(request: Request, purpose: Purpose): Promise<HttpAnswer> {
    return await http.send({ ...request, method: 'GET', purpose, timeoutMs: readMs })
  }

  /** @param absent the text of the 404 that says so: another 404 means that there is no such route */
  async function readOne<Answer>(
    title: string,
    request: Request,
    absent: string,
    parse: (text: string, purpose: Purpose) => Answer,
  ): Promise<Answer | undefined> {
    const purpose: Purpose = { title, type: 'read' }
    const answer = await read(request, purpose)
    if (answer.status === 404 && answer.text.includes(absent)) return undefined
    if (answer.status !== 200) throw classifyAnswer(answer.status, answer.text, purpose)
    return parse(answer.text, purpose)
  }

  function readHostVolume(namespace: string, id: string, signal?: AbortSignal) {
    return readOne(
      `read host volume "${id}" in namespace "${namespace}"`,
      { operation: 'read_host_volume', path: pathOf(id), query: { namespace }, signal },
      'volume not found',
      parseVolume,
    )
  }

  async function put(verb: 'create' | 'register', body: HostVolumeBody, signal?: AbortSignal) {
    const purpose: Purpose = {
      title: `${verb} host volume "${body.Name}" in namespace "${body.Namespace}"`,
      type: 'write',
    }
    const answer = await http.send({
      purpose,
      operation: `${verb}_host_volume`,
      method: 'PUT',
      path: `/volume/host/${verb}`,
      query: { namespace: body.Namespace },
      body: stringifyJSON({ Volume: body }),
      timeoutMs: writeMs,
      signal,
    })
    if (answer.status !== 200) throw classifyAnswer(answer.status, answer.text, purpose)
    return parseResponse(answer.text, purpose).Volume
  }

  return {
    async listHostVolumes(namespace, query, signal) {
      const purpose: Purpose = { title: `list host volumes in namespace "${namespace}"`, type: 'read' }
      const answer = await read(
        {
          operation: query ? 'watch_host_volumes' : 'list_host_volumes',
          path: '/volumes',
          query: { type: 'host', namespace },
          blocking: query,
          signal,
        },
        purpose,
      )
      if (answer.status !== 200) throw classifyAnswer(answer.status, answer.text, purpose)
      const items = parseStubs(answer.text, purpose)
      // Nomad shows nothing to whom it forbids to look (host_volume_endpoint.go, List). Read does refuse.
      if (items.length === 0) await readHostVolume(namespace, nobody, signal)
      return { items, index: indexOf(answer) }
    },
    readHostVolume,
    async listNodeStubs(signal) {
      const purpose: Purpose = { title: 'list nodes', type: 'read' }
      const answer = await read({ operation: 'list_nodes', path: '/nodes', signal }, purpose)
      if (answer.status !== 200) throw classifyAnswer(answer.status, answer.text, purpose)
      return parseNodes(answer.text, purpose)
    },
    readNode: (nodeID, signal) =>
      readOne(
        `read node "${nodeID}"`,
        { operation: 'read_node', path: `/node/${encodeURIComponent(nodeID)}`, signal },
        'node not found',
        parseNode,
      ),
    readAllocation: (namespace, allocationID, signal) =>
      readOne(
        `read allocation "${allocationID}"`,
        {
          operation: 'read_allocation',
          path: `/allocation/${encodeURIComponent(allocationID)}`,
          query: { namespace },
          signal,
        },
        'alloc not found',
        parseAllocation,
      ),
    createHostVolume: (request, signal) => put('create', request, signal),
    registerHostVolume: (request, signal) => put('register', request, signal),
    async deleteHostVolume(namespace, id, signal) {
      const purpose: Purpose = {
        title: `delete host volume "${id}" in namespace "${namespace}"`,
        type: 'write',
      }
      const answer = await http.send({
        purpose,
        operation: 'delete_host_volume',
        method: 'DELETE',
        path: pathOf(id),
        query: { namespace },
        timeoutMs: writeMs,
        signal,
      })
      if (answer.status === 200) return
      const error = classifyAnswer(answer.status, answer.text, purpose)
      if (!(error instanceof OperationError && error.reason === 'VolumeNotFound')) throw error
    },
  }
}

/** Whether the job of an allocation asks for the host volume of this name. */
export function usesHostVolume({ Name, TaskGroup, Job }: AllocationVolumes, name: string): boolean {
  const group = (Job?.TaskGroups ?? []).find((each) => each.Name === TaskGroup)
  // Its name ends in [n], its place among those of its group.
  const index = /\[\d+\]$/.exec(Name)?.[0] ?? ''
  return Object.values(group?.Volumes ?? {}).some(
    ({ Type: type, Source: source = '', PerAlloc: perAlloc = false }) =>
      type === 'host' && (perAlloc ? `${source}${index}` : source) === name,
  )
}

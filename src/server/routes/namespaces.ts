import { isDeepStrictEqual } from 'node:util'
import Type from 'typebox'
import { Namespace, NamespaceJobSettings } from '../../wire/namespace.ts'
import type { ServerContext } from '../context.ts'
import { badRequest, conflict, notFound } from '../errors.ts'
import { answerFields, planPage } from '../filter/list-page.ts'
import { type BodyReader, type Resource, takesBody } from '../http/api.ts'
import type { RunBlockingQuery } from '../http/blocking-query.ts'
import { readBody } from '../http/decode.ts'
import { parseReadOptions } from '../http/read-options.ts'
import type { NamespaceRecord } from '../state/records.ts'

const { properties: jobSettings } = NamespaceJobSettings
export const NamespaceBody = Type.Object({
  Name: Type.Optional(Type.String()),
  Description: Type.Optional(Type.String()),
  Quota: Type.Optional(Type.String()),
  Meta: Type.Optional(Type.Union([Type.Record(Type.String(), Type.String()), Type.Null()])),
  Capabilities: Type.Optional(jobSettings.Capabilities),
  NodePoolConfiguration: Type.Optional(jobSettings.NodePoolConfiguration),
  VaultConfiguration: Type.Optional(jobSettings.VaultConfiguration),
  ConsulConfiguration: Type.Optional(jobSettings.ConsulConfiguration),
  RequiredExtraClaims: Type.Optional(jobSettings.RequiredExtraClaims),
  OptionalExtraClaims: Type.Optional(jobSettings.OptionalExtraClaims),
})

const namespaceFields = answerFields(Namespace)

const validName = /^[a-zA-Z0-9-]{1,128}$/
const longestDescription = 256

const noJobSettings: NamespaceJobSettings = {
  Capabilities: null,
  NodePoolConfiguration: null,
  VaultConfiguration: null,
  ConsulConfiguration: null,
  RequiredExtraClaims: null,
  OptionalExtraClaims: null,
}

/** A namespace as its body defines it; undefined: there is no body, and the path alone names it. */
const namespaceReader: BodyReader<NamespaceDefinition | undefined> = {
  read(bytes, request) {
    const { name } = request.params
    if (bytes === undefined && name !== undefined) return undefined
    return parseNamespaceBody(readBody(NamespaceBody, bytes, request), name)
  },
}

type NamespaceDefinition = Omit<NamespaceRecord, 'createIndex' | 'modifyIndex'>

/** @throws ApiError 400, in Nomad's words */
function parseNamespaceBody(
  { Name = '', Description = '', Quota = '', Meta, ...settings }: Type.Static<typeof NamespaceBody>,
  pathName: string | undefined,
): NamespaceDefinition {
  if (pathName !== undefined && Name !== pathName) {
    throw badRequest('Namespace name does not match request path')
  }
  requireValidName(Name)
  if (Buffer.byteLength(Description) > longestDescription) {
    throw badRequest(`description longer than ${longestDescription}`)
  }
  if (Quota !== '') {
    throw badRequest(`quota "${Quota}" cannot be set: this server limits nothing by quotas; leave Quota out`)
  }
  const isPlain = Object.values(settings).every((value) => value === null || value === undefined)
  return {
    name: Name,
    description: Description,
    meta: Meta ?? {},
    ...(!isPlain && { jobSettings: { ...noJobSettings, ...settings } }),
  }
}

function requireValidName(name: string) {
  if (!validName.test(name)) throw badRequest(`invalid name "${name}". Must match regex ${validName.source}`)
}

/** Namespaces: as many as volumes need. */
export function namespaceRoutes({ state }: ServerContext, blocking: RunBlockingQuery): Resource[] {
  const index = () => state.index('namespaces')
  const upsert = takesBody(namespaceReader, ({ params: { name = '' } }, given) => {
    const existing = state.namespaces.get(given?.name ?? name)
    // Without a body there is nothing to change in a namespace that exists.
    if (given === undefined && existing !== undefined) return { index: index() }
    if (given === undefined) requireValidName(name)
    const wanted = given ?? { name, description: '', meta: {} }
    if (existing !== undefined && isSame(existing, wanted)) return { index: index() }
    state.write(({ put, index }) =>
      put('namespaces', { ...wanted, createIndex: existing?.createIndex ?? index, modifyIndex: index }),
    )
    return { index: index() }
  })
  return [
    {
      path: '/v1/namespaces',
      GET: ({ query, access, signal }) => {
        const options = parseReadOptions(query)
        const takePage = planPage(options, namespaceFields, ({ Name }) => Name)
        const answer = (index: number) => {
          const { page, nextToken } = takePage(
            state.namespaces
              .list()
              .filter(({ name }) => name.startsWith(options.prefix) && access.seesNamespace(name))
              .map(presentNamespace),
          )
          return { body: page, index, nextToken }
        }
        return blocking({ options, topics: ['namespaces'], index, answer }, signal)
      },
      PUT: upsert,
    },
    { path: '/v1/namespace', PUT: upsert },
    {
      path: '/v1/namespace/:name',
      GET: ({ params: { name = '' }, query, signal }) => {
        if (name === '') throw badRequest('Missing Namespace Name')
        return blocking(
          {
            options: parseReadOptions(query),
            topics: [`namespaces/${name}`],
            index,
            answer: (index) => {
              const namespace = state.namespaces.get(name)
              if (namespace === undefined) throw notFound('Namespace not found', index)
              return { body: presentNamespace(namespace), index }
            },
          },
          signal,
        )
      },
      PUT: upsert,
      DELETE: ({ params: { name = '' } }) => {
        if (name === 'default') throw badRequest('default namespace can not be deleted')
        if (state.namespaces.get(name) === undefined) throw notFound(`namespace "${name}" not found`)
        const isUsed =
          state.csi_volumes.list().some(({ namespace }) => namespace === name) ||
          state.csi_creates.list().some(({ definition }) => definition.namespace === name)
        if (isUsed) throw conflict(`namespace "${name}" has CSI volumes: delete or deregister them first`)
        state.write(({ remove }) => remove('namespaces', name))
        return { index: index() }
      },
    },
  ]
}

function isSame({ createIndex, modifyIndex, ...existing }: NamespaceRecord, wanted: NamespaceDefinition) {
  return isDeepStrictEqual({ ...existing }, { ...wanted })
}

const presentNamespace = (namespace: NamespaceRecord): Namespace => ({
  Name: namespace.name,
  Description: namespace.description,
  Quota: '',
  ...noJobSettings,
  ...namespace.jobSettings,
  Meta: namespace.meta,
  CreateIndex: namespace.createIndex,
  ModifyIndex: namespace.modifyIndex,
})

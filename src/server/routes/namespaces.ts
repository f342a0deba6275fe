import Type from 'typebox'
import { Namespace } from '../../wire/namespace.ts'
import type { ServerContext } from '../context.ts'
import { badRequest, conflict, notFound } from '../errors.ts'
import { answerFields, planPage } from '../filter/list-page.ts'
import type { Handler, Resource } from '../http/api.ts'
import type { RunBlockingQuery } from '../http/blocking-query.ts'
import { decode, parseBody } from '../http/decode.ts'
import { parseReadOptions } from '../http/read-options.ts'
import type { NamespaceRecord } from '../state/records.ts'

export const NamespaceBody = Type.Object({
  Name: Type.Optional(Type.String()),
  Description: Type.Optional(Type.String()),
  Meta: Type.Optional(Type.Union([Type.Record(Type.String(), Type.String()), Type.Null()])),
})

const namespaceFields = answerFields(Namespace)

const validName = /^[a-zA-Z0-9-]{1,128}$/

/** Namespaces: as many as volumes need; quotas and node pools have no meaning here. */
export function namespaceRoutes({ state }: ServerContext, blocking: RunBlockingQuery): Resource[] {
  const index = () => state.index('namespaces')
  const upsert: Handler = ({ params, body }) => {
    const given = decode(NamespaceBody, body === undefined && params.name ? {} : parseBody(body))
    const name = given.Name || params.name || ''
    if (params.name !== undefined && name !== params.name) {
      throw badRequest('Namespace name does not match request path')
    }
    if (!validName.test(name))
      throw badRequest(`invalid name "${name}". Must match regex ${validName.source}`)
    const existing = state.namespaces.get(name)
    state.write(({ put, index }) =>
      put('namespaces', {
        name,
        description: given.Description ?? '',
        meta: given.Meta ?? {},
        createIndex: existing?.createIndex ?? index,
        modifyIndex: index,
      }),
    )
    return { index: index() }
  }
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
      GET: ({ params: { name = '' }, query, signal }) =>
        blocking(
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
        ),
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

const presentNamespace = (namespace: NamespaceRecord): Namespace => ({
  Name: namespace.name,
  Description: namespace.description,
  Quota: '',
  Capabilities: null,
  Meta: namespace.meta,
  CreateIndex: namespace.createIndex,
  ModifyIndex: namespace.modifyIndex,
})

import { HttpFailure } from '../lib/http/http-client.ts'
import { stringifyJSON } from '../lib/json.ts'
import type { KubernetesApi, KubernetesObject, ListOptions, MetadataChange, WatchEvent } from './api.ts'
import { classifyAnswer, classifyLostAnswer, type RequestInfo, unreadable } from './failures.ts'
import type { Http, HttpRequest } from './http.ts'
import {
  parseAnswer,
  parseObject,
  parsePage,
  parseWatchEvent,
  UnreadableAnswerError,
} from './parse-object.ts'

const json = 'application/json'
// JSON is YAML, and every version since 1.22 accepts this type.
const applyPatch = 'application/apply-patch+yaml'
const mergePatch = 'application/merge-patch+json'

export function createKubernetesClient(http: Http): KubernetesApi {
  async function send(request: HttpRequest): Promise<unknown> {
    const answer = await http.send(request)
    if (answer.status >= 200 && answer.status < 300) {
      return understand(request.info, () => parseAnswer(answer.text))
    }
    throw classifyAnswer(request.info, answer.status, parseFailure(answer.text), answer.header('retry-after'))
  }

  async function sendObject(request: HttpRequest): Promise<KubernetesObject> {
    const answer = await send(request)
    return understand(request.info, () => parseObject(answer, request.info.resource))
  }

  return {
    async list(resource, { limit, continueToken, ...options } = {}, signal) {
      const query = selection(options)
      if (limit !== undefined) query.set('limit', String(limit))
      if (continueToken !== undefined) query.set('continue', continueToken)
      const info: RequestInfo = { verb: 'list', resource, namespace: options.namespace }
      const answer = await send({ info, method: 'GET', path: pathOf(info), query, signal })
      return understand(info, () => parsePage(answer, resource))
    },

    async *watch(resource, options, signal, onOpen): AsyncGenerator<WatchEvent, void> {
      const info: RequestInfo = { verb: 'watch', resource, namespace: options.namespace }
      const query = selection(options)
      query.set('watch', 'true')
      query.set('allowWatchBookmarks', 'true')
      query.set('resourceVersion', options.resourceVersion)
      query.set('timeoutSeconds', String(options.timeoutSeconds))
      const answer = await http.open({ info, method: 'GET', path: pathOf(info), query, signal })
      try {
        if (answer.status !== 200) {
          const body = parseFailure(await answer.text())
          throw classifyAnswer(info, answer.status, body, answer.header('retry-after'))
        }
        onOpen?.()
        for await (const line of answer.lines()) {
          const event = understand(info, () => parseWatchEvent(parseAnswer(line), resource))
          if (event.type === 'ERROR') throw classifyAnswer(info, codeOf(event.status), event.status)
          yield event
        }
      } catch (error) {
        throw error instanceof HttpFailure ? classifyLostAnswer(info, error) : error
      }
    },

    async get(resource, { namespace, name }, signal) {
      const info: RequestInfo = { verb: 'get', resource, namespace, name }
      const request: HttpRequest = {
        info,
        method: 'GET',
        path: pathOf(info),
        query: new URLSearchParams(),
        signal,
      }
      const answer = await http.send(request)
      if (answer.status === 200) {
        return understand(info, () => parseObject(parseAnswer(answer.text), resource))
      }
      const failure = classifyAnswer(
        info,
        answer.status,
        parseFailure(answer.text),
        answer.header('retry-after'),
      )
      if (failure.code === 404 && failure.reason === 'NotFound') return undefined
      throw failure
    },

    create(resource, object, signal) {
      const info: RequestInfo = { verb: 'create', resource, namespace: object.metadata.namespace }
      return sendObject({
        info: { ...info, ...('name' in object.metadata && { name: object.metadata.name }) },
        method: 'POST',
        path: pathOf(info),
        query: new URLSearchParams(),
        body: { type: json, text: stringifyJSON(object) },
        signal,
      })
    },

    update(resource, object, signal) {
      const info: RequestInfo = { verb: 'update', resource, ...addressOf(object.metadata) }
      return sendObject({
        info,
        method: 'PUT',
        path: pathOf(info),
        query: new URLSearchParams(),
        body: { type: json, text: stringifyJSON(object) },
        signal,
      })
    },

    apply(resource, object, { fieldManager, force, subresource }, signal) {
      const info: RequestInfo = { verb: 'patch', resource, subresource, ...addressOf(object.metadata) }
      return sendObject({
        info,
        method: 'PATCH',
        path: pathOf(info),
        query: new URLSearchParams({ fieldManager, force: String(force ?? false) }),
        body: { type: applyPatch, text: stringifyJSON(object) },
        signal,
      })
    },

    patchMetadata(resource, address, change, signal) {
      const info: RequestInfo = { verb: 'patch', resource, ...addressOf(address) }
      return sendObject({
        info,
        method: 'PATCH',
        path: pathOf(info),
        query: new URLSearchParams(),
        body: { type: mergePatch, text: stringifyJSON({ metadata: change satisfies MetadataChange }) },
        signal,
      })
    },

    async delete(resource, address, preconditions = {}, signal) {
      const info: RequestInfo = { verb: 'delete', resource, ...addressOf(address) }
      const answer = await http.send({
        info,
        method: 'DELETE',
        path: pathOf(info),
        query: new URLSearchParams(),
        body: {
          type: json,
          text: stringifyJSON({
            kind: 'DeleteOptions',
            apiVersion: 'v1',
            propagationPolicy: 'Background',
            preconditions,
          }),
        },
        signal,
      })
      if (answer.status >= 200 && answer.status < 300) return
      const failure = classifyAnswer(
        info,
        answer.status,
        parseFailure(answer.text),
        answer.header('retry-after'),
      )
      if (failure.code === 404 && failure.reason === 'NotFound') return
      throw failure
    },
  }
}

function pathOf({ resource, namespace, name, subresource }: RequestInfo): string {
  const { group, version, plural, namespaced } = resource
  const parts = [
    ...(group ? ['apis', group, version] : ['api', version]),
    ...(namespaced && namespace !== undefined ? ['namespaces', namespace] : []),
    plural,
    ...(name === undefined ? [] : [name]),
    ...(subresource === undefined ? [] : [subresource]),
  ]
  return `/${parts.map(encodeURIComponent).join('/')}`
}

function addressOf({ namespace, name }: { namespace?: string; name: string }): {
  namespace: string | undefined
  name: string
} {
  return { namespace, name }
}

function selection({ labelSelector, fieldSelector }: ListOptions): URLSearchParams {
  return new URLSearchParams({
    ...(labelSelector !== undefined && { labelSelector }),
    ...(fieldSelector !== undefined && { fieldSelector }),
  })
}

/** Parses an answer. An error says which request it was for. */
function understand<T>(info: RequestInfo, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (error instanceof UnreadableAnswerError) throw unreadable(info, error.message)
    throw error
  }
}

/** A failure has a Status as its body, or the text of a proxy or of a handler. */
function parseFailure(text: string): unknown {
  try {
    return parseAnswer(text)
  } catch {
    return text
  }
}

function codeOf(status: unknown): number {
  const code = typeof status === 'object' && status !== null && 'code' in status ? status.code : undefined
  return typeof code === 'number' ? code : 500
}

import { HttpFailure } from '../lib/http/http-client.ts'
import { stringifyJSON } from '../lib/json.ts'
import type { KubernetesApi, KubernetesObject, ListOptions, MetadataChange, WatchEvent } from './api.ts'
import { type Call, classifyAnswer, classifyLostAnswer, unreadable } from './failures.ts'
import type { Http, HttpRequest } from './http.ts'
import {
  parseAnswer,
  parseObject,
  parsePage,
  parseWatchEvent,
  UnreadableAnswerError,
} from './parse-object.ts'

const json = 'application/json'
// JSON is YAML; every version since 1.22 takes this type.
const applyPatch = 'application/apply-patch+yaml'
const mergePatch = 'application/merge-patch+json'

export function createKubernetesClient(http: Http): KubernetesApi {
  async function send(request: HttpRequest): Promise<unknown> {
    const answer = await http.send(request)
    if (answer.status >= 200 && answer.status < 300) {
      return understand(request.call, () => parseAnswer(answer.text))
    }
    throw classifyAnswer(request.call, answer.status, parseFailure(answer.text), answer.header('retry-after'))
  }

  async function sendObject(request: HttpRequest): Promise<KubernetesObject> {
    const answer = await send(request)
    return understand(request.call, () => parseObject(answer, request.call.resource))
  }

  return {
    async list(resource, { limit, continueToken, ...options } = {}, signal) {
      const query = selection(options)
      if (limit !== undefined) query.set('limit', String(limit))
      if (continueToken !== undefined) query.set('continue', continueToken)
      const call: Call = { verb: 'list', resource, namespace: options.namespace }
      const answer = await send({ call, method: 'GET', path: pathOf(call), query, signal })
      return understand(call, () => parsePage(answer, resource))
    },

    async *watch(resource, options, signal, onOpen): AsyncGenerator<WatchEvent, void> {
      const call: Call = { verb: 'watch', resource, namespace: options.namespace }
      const query = selection(options)
      query.set('watch', 'true')
      query.set('allowWatchBookmarks', 'true')
      query.set('resourceVersion', options.resourceVersion)
      query.set('timeoutSeconds', String(options.timeoutSeconds))
      const answer = await http.open({ call, method: 'GET', path: pathOf(call), query, signal })
      try {
        if (answer.status !== 200) {
          const body = parseFailure(await answer.text())
          throw classifyAnswer(call, answer.status, body, answer.header('retry-after'))
        }
        onOpen?.()
        for await (const line of answer.lines()) {
          const event = understand(call, () => parseWatchEvent(parseAnswer(line), resource))
          if (event.type === 'ERROR') throw classifyAnswer(call, codeOf(event.status), event.status)
          yield event
        }
      } catch (error) {
        throw error instanceof HttpFailure ? classifyLostAnswer(call, error) : error
      }
    },

    async get(resource, { namespace, name }, signal) {
      const call: Call = { verb: 'get', resource, namespace, name }
      const request: HttpRequest = {
        call,
        method: 'GET',
        path: pathOf(call),
        query: new URLSearchParams(),
        signal,
      }
      const answer = await http.send(request)
      if (answer.status === 200) {
        return understand(call, () => parseObject(parseAnswer(answer.text), resource))
      }
      const failure = classifyAnswer(
        call,
        answer.status,
        parseFailure(answer.text),
        answer.header('retry-after'),
      )
      if (failure.code === 404 && failure.reason === 'NotFound') return undefined
      throw failure
    },

    create(resource, object, signal) {
      const call: Call = { verb: 'create', resource, namespace: object.metadata.namespace }
      return sendObject({
        call: { ...call, ...('name' in object.metadata && { name: object.metadata.name }) },
        method: 'POST',
        path: pathOf(call),
        query: new URLSearchParams(),
        body: { type: json, text: stringifyJSON(object) },
        signal,
      })
    },

    update(resource, object, signal) {
      const call: Call = { verb: 'update', resource, ...addressOf(object.metadata) }
      return sendObject({
        call,
        method: 'PUT',
        path: pathOf(call),
        query: new URLSearchParams(),
        body: { type: json, text: stringifyJSON(object) },
        signal,
      })
    },

    apply(resource, object, { fieldManager, force, subresource }, signal) {
      const call: Call = { verb: 'patch', resource, subresource, ...addressOf(object.metadata) }
      return sendObject({
        call,
        method: 'PATCH',
        path: pathOf(call),
        query: new URLSearchParams({ fieldManager, force: String(force ?? false) }),
        body: { type: applyPatch, text: stringifyJSON(object) },
        signal,
      })
    },

    patchMetadata(resource, address, change, signal) {
      const call: Call = { verb: 'patch', resource, ...addressOf(address) }
      return sendObject({
        call,
        method: 'PATCH',
        path: pathOf(call),
        query: new URLSearchParams(),
        body: { type: mergePatch, text: stringifyJSON({ metadata: change satisfies MetadataChange }) },
        signal,
      })
    },

    async delete(resource, address, preconditions = {}, signal) {
      const call: Call = { verb: 'delete', resource, ...addressOf(address) }
      const answer = await http.send({
        call,
        method: 'DELETE',
        path: pathOf(call),
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
        call,
        answer.status,
        parseFailure(answer.text),
        answer.header('retry-after'),
      )
      if (failure.code === 404 && failure.reason === 'NotFound') return
      throw failure
    },
  }
}

function pathOf({ resource, namespace, name, subresource }: Call): string {
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

/** What an answer means, or an error that says which call it was for. */
function understand<T>(call: Call, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (error instanceof UnreadableAnswerError) throw unreadable(call, error.message)
    throw error
  }
}

/** A failure is told by a Status, or by a proxy's or a handler's text. */
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

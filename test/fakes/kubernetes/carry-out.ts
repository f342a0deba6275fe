/** What becomes of a request, whatever brought it here: its route, its page of a list, its write. */
import { ApiFailure, badRequest, expired } from './failure.ts'
import { isRecord, type JsonObject, type StoredObject } from './json.ts'
import { apiVersionOf, type Kinds, tableOf } from './kinds.ts'
import type { Objects } from './objects.ts'
import { parseSelectors } from './selectors.ts'
import type { Store } from './store.ts'
import type { Named, Target } from './target.ts'

/** A request without its transport. */
export interface PlainRequest {
  readonly method: string
  /** Percent-encoded, without the query. */
  readonly path: string
  readonly query: URLSearchParams
  readonly contentType: string | undefined
  /** Its first word is the field manager where the request names none. */
  readonly userAgent: string | undefined
  readonly text: string
}

export interface Route extends Target {
  /** As in RBAC: `list`, `watch`, `patch` … */
  readonly verb: string
  readonly name: string | undefined
  readonly subresource: 'status' | undefined
}

export interface CarryOut {
  /** @throws NotServed */
  route(request: Pick<PlainRequest, 'method' | 'path' | 'query'>): Route
  /** Carries out anything but a watch. @throws ApiFailure */
  answer(route: Route, request: PlainRequest): JsonObject
  /** The rest of lists that were read in part is gone. */
  forgetPages(): void
}

/** Nobody serves the path: the answer is a text, and no Status. */
export class NotServed extends Error {}

const applyType = 'application/apply-patch+yaml'
const verbs: Readonly<Record<string, string>> = {
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
}

export const isApply = ({ contentType }: Pick<PlainRequest, 'contentType'>): boolean =>
  contentType === applyType

/** @param listed the objects of a table for a list that names this version; default: those of now */
export function createCarryOut(options: {
  readonly store: Store
  readonly kinds: Kinds
  readonly objects: Objects
  readonly listed?: (table: string, resourceVersion: string) => Pick<Store, 'list' | 'revision'>
}): CarryOut {
  const { store, kinds, objects, listed = () => store } = options
  const pages = new Map<string, { items: readonly StoredObject[]; revision: number }>()
  let nextPage = 0

  function list({ kind, namespace }: Target, query: URLSearchParams): JsonObject {
    const matches = parseSelectors(query)
    const limit = Number(query.get('limit') ?? 0)
    const token = query.get('continue')
    let items: readonly StoredObject[]
    let revision: number
    if (token) {
      const held = pages.get(token)
      if (!held) {
        throw expired(
          'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.',
        )
      }
      ;({ items, revision } = held)
    } else {
      const state = listed(tableOf(kind), query.get('resourceVersion') ?? '')
      revision = state.revision()
      items = state
        .list(tableOf(kind))
        .filter(
          (object) => (namespace === undefined || object.metadata.namespace === namespace) && matches(object),
        )
    }
    const page = limit > 0 ? items.slice(0, limit) : items
    const rest = items.slice(page.length)
    let next: string | undefined
    if (rest.length > 0) {
      nextPage += 1
      next = `page-${nextPage}`
      pages.set(next, { items: rest, revision })
    }
    return {
      kind: `${kind.kind}List`,
      apiVersion: apiVersionOf(kind),
      metadata: {
        resourceVersion: String(revision),
        ...(next !== undefined && { continue: next, remainingItemCount: rest.length }),
      },
      // Items of built-in kinds do not carry their kind.
      items: kind.schema ? page : page.map(({ apiVersion: _, kind: __, ...item }) => item),
    }
  }

  return {
    route({ method, path, query }) {
      const parts = path.split('/').slice(1).map(decodeURIComponent)
      const isCore = parts[0] === 'api'
      const [group = '', version = ''] = isCore ? ['', parts[1]] : [parts[1], parts[2]]
      const rest = parts.slice(isCore ? 2 : 3)
      // `namespaces/x` is the namespace itself; `namespaces/x/y` is inside of it.
      const isInside = rest[0] === 'namespaces' && rest.length > 2 && rest[2] !== 'status'
      const namespace = isInside ? rest[1] : undefined
      const [plural = '', name, subresource] = isInside ? rest.slice(2) : rest
      const kind = parts[0] === 'api' || parts[0] === 'apis' ? kinds.find(group, version, plural) : undefined
      const isServed =
        kind !== undefined &&
        (subresource === undefined || (subresource === 'status' && kind.hasStatus)) &&
        (namespace === undefined || kind.namespaced) &&
        (name === undefined || kind.namespaced === (namespace !== undefined))
      if (!kind || !isServed) throw new NotServed()
      const isWatch = method === 'GET' && /^(1|true)$/.test(query.get('watch') ?? '')
      const verb = verbs[method] ?? (isWatch ? 'watch' : name === undefined ? 'list' : 'get')
      return { verb, kind, namespace, name, subresource: subresource === undefined ? undefined : 'status' }
    },
    answer({ verb, kind, namespace, name, subresource }, request) {
      const { query, text } = request
      const manager = query.get('fieldManager') ?? (request.userAgent ?? 'unknown').split('/')[0] ?? ''
      if (verb === 'list') return list({ kind, namespace }, query)
      if (verb === 'create') {
        if (kind.namespaced && namespace === undefined) {
          throw badRequest('an empty namespace may not be set during creation')
        }
        return objects.create({ kind, namespace }, parseBody(text), manager)
      }
      if (name === undefined)
        throw new ApiFailure(
          405,
          'MethodNotAllowed',
          'the server does not allow this method on the requested resource',
        )
      const named: Named = { kind, namespace, name, subresource }
      switch (verb) {
        case 'get':
          return objects.get(named)
        case 'update':
          return objects.update(named, parseBody(text), manager)
        case 'delete':
          return (
            objects.delete(named, text ? parseBody(text) : {}) ?? {
              kind: 'Status',
              apiVersion: 'v1',
              metadata: {},
              status: 'Success',
              details: { name, group: kind.group, kind: kind.plural },
            }
          )
        default:
          break
      }
      if (request.contentType === 'application/merge-patch+json')
        return objects.patch(named, parseBody(text), manager)
      if (isApply(request)) {
        const isForced = query.get('force') === 'true'
        return objects.apply(named, parseBody(text), query.get('fieldManager') ?? '', isForced)
      }
      throw new ApiFailure(
        415,
        'UnsupportedMediaType',
        `the body of the request was in an unknown format - accepted media types include: application/merge-patch+json, application/apply-patch+yaml`,
      )
    },
    forgetPages: () => pages.clear(),
  }
}

function parseBody(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text)
    if (isRecord(value)) return value
  } catch {
    // Answered as what it is: unreadable.
  }
  throw badRequest('the object provided is unrecognized (must be of type JSON)')
}

import { stringifyJSON } from '../../src/lib/json.ts'
import type { Answer, ReceivedRequest } from './http-server.ts'

interface Variable {
  readonly namespace: string
  readonly path: string
  readonly items: Readonly<Record<string, string>>
  readonly createIndex: number
  readonly modifyIndex: number
}

interface Lock {
  readonly id: string
  readonly ttlMs: number
  readonly delayMs: number
  renewedAtMs: number
}

/** The next write: is not carried out, or is, and either way nobody hears of it. */
export type Fault = 'lose request' | 'lose answer'

export interface NomadVariables {
  /** undefined: the request is for another part of the API. */
  answer(request: ReceivedRequest): Answer | 'cut' | undefined
  /** For the next write to a variable. */
  fault: Fault | undefined
  /** Writes as another process, whatever anybody knows. */
  overwrite(path: string, items: Readonly<Record<string, string>>): void
  /** What is there, by path, without the lock's own. */
  readonly variables: ReadonlyMap<string, Variable>
  /** The ID of the lock that is held now. */
  lockOf(path: string): string | undefined
}

/** Nomad's limit on all names and values of a variable. */
const maxBytes = 65_536

/**
 * Nomad's Variables API: check-and-set, and locks that expire after twice their TTL and then wait for their
 * delay, as nomad/variables_endpoint.go has it. One namespace.
 * @param options.scale what the times of locks are multiplied by, so that tests of processes are quick
 */
export function createNomadVariables(options: { now: () => number; scale?: number }): NomadVariables {
  const { now, scale = 1 } = options
  const variables = new Map<string, Variable>()
  const locks = new Map<string, Lock>()
  let index = 10

  const present = ({ namespace, path, items, createIndex, modifyIndex }: Variable, lock?: Lock) => ({
    CreateIndex: createIndex,
    CreateTime: 1,
    Items: items,
    ...(lock && { Lock: { TTL: `${lock.ttlMs}ms`, LockDelay: `${lock.delayMs}ms`, ID: lock.id } }),
    ModifyIndex: modifyIndex,
    ModifyTime: 1,
    Namespace: namespace,
    Path: path,
  })
  const none = (path: string) => ({
    CreateIndex: 0,
    CreateTime: 0,
    ModifyIndex: 0,
    ModifyTime: 0,
    Namespace: 'default',
    Path: path,
  })

  function set(path: string, items: Readonly<Record<string, string>>): Variable {
    index += 1
    const createIndex = variables.get(path)?.createIndex ?? index
    const variable = { namespace: 'default', path, items, createIndex, modifyIndex: index }
    variables.set(path, variable)
    return variable
  }

  function lockOf(path: string): Lock | undefined {
    const lock = locks.get(path)
    if (lock !== undefined && now() < lock.renewedAtMs + 2 * lock.ttlMs * scale) return lock
    return undefined
  }

  /** Expired, and its delay has not passed: nobody may have it. */
  function isDelayed(path: string): boolean {
    const lock = locks.get(path)
    return lock !== undefined && now() < lock.renewedAtMs + (2 * lock.ttlMs + lock.delayMs) * scale
  }

  function put(path: string, query: URLSearchParams, body: Body): Answer {
    const held = lockOf(path)
    if (query.has('lock-acquire')) {
      const id = body.Lock?.ID ?? 'made by the server'
      if (held === undefined ? isDelayed(path) : held.id !== id) return json(none(path), 409)
      const [ttlMs, delayMs] = [parseMs(body.Lock?.TTL), parseMs(body.Lock?.LockDelay)]
      if (ttlMs < 10_000)
        return text(400, 'RPC Error:: 400,1 error occurred:\n\t* TTL must be between 10 seconds and 24 hours')
      const lock = held ?? { id, ttlMs, delayMs, renewedAtMs: now() }
      locks.set(path, lock)
      return json(present(set(path, body.Items ?? {}), lock))
    }
    if (query.has('lock-renew')) {
      const variable = variables.get(path)
      if (variable === undefined) return text(404, "variable doesn't exist")
      if (held === undefined) return text(409, "variable doesn't hold a lock")
      if (held.id !== body.Lock?.ID) return text(409, 'attempting to modify locked variable')
      held.renewedAtMs = now()
      return json(present(variable, held))
    }
    if (query.has('lock-release')) {
      const variable = variables.get(path)
      if (variable === undefined) return text(500, "variable doesn't exist")
      if (held === undefined) return text(500, "variable doesn't hold a lock")
      if (held.id !== body.Lock?.ID) return text(409, 'attempting to modify locked variable')
      locks.delete(path)
      return json(present(variable))
    }
    const before = variables.get(path)
    if (Number(query.get('cas')) !== (before?.modifyIndex ?? 0)) {
      return json(before === undefined ? none(path) : present(before), 409)
    }
    const bytes = Object.entries(body.Items ?? {}).reduce(
      (sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value),
      0,
    )
    if (bytes > maxBytes) return text(400, 'RPC Error:: 400,variables are limited to 64KiB in total size')
    return json(present(set(path, body.Items ?? {})))
  }

  function remove(path: string, query: URLSearchParams): Answer {
    const before = variables.get(path)
    if (Number(query.get('cas')) !== (before?.modifyIndex ?? 0)) {
      return json(before === undefined ? none(path) : present(before), 409)
    }
    variables.delete(path)
    return { status: 204, body: '' }
  }

  function list(query: URLSearchParams): Answer {
    const prefix = query.get('prefix') ?? ''
    const from = query.get('next_token')?.replace(/^default\./, '') ?? ''
    const perPage = Number(query.get('per_page') ?? 0) || Number.POSITIVE_INFINITY
    const found = [...variables.values()]
      .filter(({ path }) => path.startsWith(prefix) && path >= from)
      .sort((one, other) => (one.path < other.path ? -1 : 1))
    const next = found[perPage]
    const stubs = found.slice(0, perPage).map((variable) => {
      const { Items: _, ...stub } = present(variable)
      return stub
    })
    return {
      ...json(stubs),
      ...(next === undefined ? {} : { headers: { 'x-nomad-nexttoken': `default.${next.path}` } }),
    }
  }

  const double: NomadVariables = {
    fault: undefined,
    variables,
    lockOf: (path) => lockOf(path)?.id,
    overwrite: (path, items) => void set(path, items),
    answer({ method, path: url, query, body }) {
      if (url === '/v1/vars') return list(query)
      if (!url.startsWith('/v1/var/')) return undefined
      const path = url.slice('/v1/var/'.length)
      if (method === 'GET') {
        const variable = variables.get(path)
        return variable === undefined ? text(404, 'variable not found') : json(present(variable))
      }
      const { fault } = double
      double.fault = undefined
      if (fault === 'lose request') return 'cut'
      const answer = method === 'DELETE' ? remove(path, query) : put(path, query, JSON.parse(body))
      return fault === 'lose answer' ? 'cut' : answer
    },
  }
  return double
}

interface Body {
  readonly Items?: Readonly<Record<string, string>>
  readonly Lock?: { readonly ID?: string; readonly TTL?: string; readonly LockDelay?: string }
}

function parseMs(duration = ''): number {
  return Number(/^(\d+)ms$/.exec(duration)?.[1])
}

function json(body: unknown, status = 200): Answer {
  return { status, body: stringifyJSON(body) }
}

function text(status: number, body: string): Answer {
  return { status, body }
}

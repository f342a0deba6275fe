import Type, { type Static } from 'typebox'
import { stringifyJSON } from '../lib/json.ts'
import { Int64 } from '../wire/volume.ts'
import { classifyAnswer, type Purpose } from './error-table.ts'
import type { Http, HttpAnswer, HttpRequest } from './http.ts'
import { listPages } from './list-pages.ts'
import { createAnswerParser } from './parse-answer.ts'

const VariableStub = Type.Object({ Path: Type.String(), ModifyIndex: Int64 })
const Variable = Type.Object({
  Path: Type.String(),
  ModifyIndex: Int64,
  Items: Type.Record(Type.String(), Type.String()),
})

export type VariableStub = Static<typeof VariableStub>
export type Variable = Static<typeof Variable>

/** Which Variable. The path has at most 128 characters of `[a-zA-Z0-9-_~/]`. */
export interface VariableAddress {
  readonly namespace: string
  readonly path: string
}

export interface VariableLockRequest {
  /** A UUID that the caller chooses. Even if the answer is lost, the caller can then renew the lock. */
  readonly lockID: string
  /** From 10 s to 24 h. Nomad drops the lock once to twice this time after the last renewal. */
  readonly ttlMs: number
  /** After a lock has expired, nobody gets it for so long. */
  readonly lockDelayMs: number
  /** They replace those of the Variable. */
  readonly items: Readonly<Record<string, string>>
}

/**
 * Nomad's Variables with check-and-set, and their locks (Nomad 1.7 and later, variables_endpoint.go). Methods reject
 * with an OperationError, `ambiguous` where a write may have been carried out. Each request is sent once.
 */
export interface VariablesApi {
  /** Asks the leader. undefined: there is no such Variable. */
  readVariable(address: VariableAddress, signal?: AbortSignal): Promise<Variable | undefined>
  /** All that the token may list beneath a prefix, without the items. */
  listVariables(namespace: string, prefix: string, signal?: AbortSignal): Promise<readonly VariableStub[]>
  /**
   * @param modifyIndex of the version that is replaced; 0: there must be none
   * @returns undefined where there is another version, or another process holds the lock
   */
  putVariable(
    address: VariableAddress,
    items: Readonly<Record<string, string>>,
    modifyIndex: string,
  ): Promise<Variable | undefined>
  /** true: it is gone, or never existed. false: there is another version. */
  deleteVariable(address: VariableAddress, modifyIndex: string): Promise<boolean>
  /** false: another process holds the lock, or its delay has not passed. Repeated by the holder, it extends nothing. */
  acquireLock(address: VariableAddress, lock: VariableLockRequest, signal?: AbortSignal): Promise<boolean>
  /** Extends the lock by its TTL. false: it has expired, or another process holds it. */
  renewLock(address: VariableAddress, lockID: string, signal?: AbortSignal): Promise<boolean>
  /** false: it was not held. */
  releaseLock(address: VariableAddress, lockID: string, signal?: AbortSignal): Promise<boolean>
}

/** @param timeoutMs for each request */
export function createVariablesApi(http: Http, timeoutMs: number): VariablesApi {
  const parseVariable = createAnswerParser(Variable)
  const parseStub = createAnswerParser(VariableStub)
  const parseStubs = createAnswerParser(Type.Array(VariableStub))

  async function send(
    request: Pick<HttpRequest, 'operation' | 'method' | 'path' | 'query' | 'signal'> & {
      readonly body?: object
    },
    title: string,
  ): Promise<HttpAnswer & { readonly purpose: Purpose }> {
    const { body, ...rest } = request
    const purpose: Purpose = { title, type: request.method === 'GET' ? 'read' : 'write' }
    const answer = await http.send({
      ...rest,
      ...(body === undefined ? {} : { body: stringifyJSON(body) }),
      purpose,
      timeoutMs,
    })
    return { ...answer, purpose }
  }

  const failure = ({ status, text, purpose }: HttpAnswer & { readonly purpose: Purpose }) =>
    classifyAnswer(status, text, purpose)

  return {
    async readVariable({ namespace, path }, signal) {
      const title = `read variable "${path}" in namespace "${namespace}"`
      const answer = await send(
        { operation: 'read_variable', method: 'GET', path: `/var/${path}`, query: { namespace }, signal },
        title,
      )
      if (answer.status === 404 && answer.text.includes('variable not found')) return undefined
      if (answer.status !== 200) throw failure(answer)
      return parseVariable(answer.text, answer.purpose)
    },

    async listVariables(namespace, prefix, signal) {
      const title = `list variables beneath "${prefix}" in namespace "${namespace}"`
      const stubs = await listPages(title, async (page) => {
        const query = { namespace, prefix, per_page: '500', ...page }
        const answer = await send(
          { operation: 'list_variables', method: 'GET', path: '/vars', query, signal },
          title,
        )
        if (answer.status !== 200) throw failure(answer)
        return {
          items: parseStubs(answer.text, answer.purpose),
          nextToken: answer.header('x-nomad-nexttoken'),
        }
      })
      // Between two pages a variable may move from one to the other.
      return [...new Map(stubs.map((stub) => [stub.Path, stub])).values()]
    },

    async putVariable({ namespace, path }, items, modifyIndex) {
      const title = `write variable "${path}" in namespace "${namespace}"`
      const query = { namespace, cas: modifyIndex }
      const answer = await send(
        { operation: 'write_variable', method: 'PUT', path: `/var/${path}`, query, body: { Items: items } },
        title,
      )
      if (answer.status === 409) return undefined
      if (answer.status !== 200) throw failure(answer)
      return parseVariable(answer.text, answer.purpose)
    },

    async deleteVariable({ namespace, path }, modifyIndex) {
      const title = `delete variable "${path}" in namespace "${namespace}"`
      const query = { namespace, cas: modifyIndex }
      const answer = await send(
        { operation: 'delete_variable', method: 'DELETE', path: `/var/${path}`, query },
        title,
      )
      // On a conflict the body is the version that exists; index 0 means none. On a lock the body is a text.
      if (answer.status === 409) {
        return (
          answer.text.startsWith('{') && BigInt(parseStub(answer.text, answer.purpose).ModifyIndex) === 0n
        )
      }
      if (answer.status !== 204 && answer.status !== 200) throw failure(answer)
      return true
    },

    async acquireLock({ namespace, path }, { lockID, ttlMs, lockDelayMs, items }, signal) {
      const title = `acquire the lock of variable "${path}" in namespace "${namespace}"`
      const body = { Items: items, Lock: { ID: lockID, TTL: `${ttlMs}ms`, LockDelay: `${lockDelayMs}ms` } }
      const query = { namespace, 'lock-acquire': '' }
      const answer = await send(
        { operation: 'acquire_lock', method: 'PUT', path: `/var/${path}`, query, body, signal },
        title,
      )
      if (answer.status === 409) return false
      if (answer.status !== 200) throw failure(answer)
      return true
    },

    async renewLock({ namespace, path }, lockID, signal) {
      const title = `renew the lock of variable "${path}" in namespace "${namespace}"`
      const query = { namespace, 'lock-renew': '' }
      const body = { Lock: { ID: lockID } }
      const answer = await send(
        { operation: 'renew_lock', method: 'PUT', path: `/var/${path}`, query, body, signal },
        title,
      )
      if (answer.status === 409 || answer.text.includes("variable doesn't exist")) return false
      if (answer.status !== 200) throw failure(answer)
      return true
    },

    async releaseLock({ namespace, path }, lockID, signal) {
      const title = `release the lock of variable "${path}" in namespace "${namespace}"`
      const query = { namespace, 'lock-release': '' }
      const body = { Lock: { ID: lockID } }
      const answer = await send(
        { operation: 'release_lock', method: 'PUT', path: `/var/${path}`, query, body, signal },
        title,
      )
      if (answer.status === 409 || /variable doesn't (exist|hold a lock)/.test(answer.text)) return false
      if (answer.status !== 200) throw failure(answer)
      return true
    },
  }
}

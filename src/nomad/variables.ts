import Type, { type Static } from 'typebox'
import { stringifyJSON } from '../lib/json.ts'
import { type Call, classifyAnswer } from './error-table.ts'
import type { Http, HttpAnswer, HttpRequest } from './http.ts'
import { listPages } from './list-pages.ts'
import { createAnswerParser } from './parse-answer.ts'

const Int64 = Type.Union([Type.Integer(), Type.BigInt()])

const VariableStub = Type.Object({ Path: Type.String(), ModifyIndex: Int64 })
const Variable = Type.Object({
  Path: Type.String(),
  ModifyIndex: Int64,
  Items: Type.Record(Type.String(), Type.String()),
})

export type VariableStub = Static<typeof VariableStub>
export type Variable = Static<typeof Variable>

/** Of which variable. Its path is of `[a-zA-Z0-9-_~/]`, at most 128 characters. */
export interface VariableAddress {
  readonly namespace: string
  readonly path: string
}

export interface VariableLockRequest {
  /** UUID. Chosen by the caller, so that a lost answer to an acquisition leaves no lock that nobody can renew. */
  readonly lockID: string
  /** From 10 s to 24 h. Nomad lets the lock go no earlier than this after the last renewal, and by then twice. */
  readonly ttlMs: number
  /** How long nobody gets a lock that was not released but expired. */
  readonly lockDelayMs: number
  /** Replace those of the variable. */
  readonly items: Readonly<Record<string, string>>
}

/**
 * Nomad's Variables with check-and-set, and the locks on them (Nomad 1.7 and later; its
 * variables_endpoint.go). Methods reject with an OperationError, `ambiguous` where a write may have been
 * carried out; each request is sent once.
 */
export interface VariablesApi {
  /** Asks the leader. undefined: Nomad answered that there is none. */
  readVariable(address: VariableAddress, signal?: AbortSignal): Promise<Variable | undefined>
  /** All pages of what the token may list beneath a prefix, without the items. */
  listVariables(namespace: string, prefix: string, signal?: AbortSignal): Promise<readonly VariableStub[]>
  /**
   * @param modifyIndex - of the variable that is replaced; 0 where none must be there
   * @returns undefined where another version is there, or somebody holds its lock
   */
  putVariable(
    address: VariableAddress,
    items: Readonly<Record<string, string>>,
    modifyIndex: string,
  ): Promise<Variable | undefined>
  /** true: it is gone, or was never there. false: another version is there. */
  deleteVariable(address: VariableAddress, modifyIndex: string): Promise<boolean>
  /** false: somebody else holds the lock, or its delay has not passed. Again by the holder it changes no timer. */
  acquireLock(address: VariableAddress, lock: VariableLockRequest, signal?: AbortSignal): Promise<boolean>
  /** Starts its time anew. false: it expired, or is somebody else's. */
  renewLock(address: VariableAddress, lockID: string, signal?: AbortSignal): Promise<boolean>
  /** false: it was not held. */
  releaseLock(address: VariableAddress, lockID: string, signal?: AbortSignal): Promise<boolean>
}

/** @param timeoutMs - for each request */
export function createVariablesApi(http: Http, timeoutMs: number): VariablesApi {
  const parseVariable = createAnswerParser(Variable)
  const parseStub = createAnswerParser(VariableStub)
  const parseStubs = createAnswerParser(Type.Array(VariableStub))

  async function send(
    request: Pick<HttpRequest, 'operation' | 'method' | 'path' | 'query' | 'signal'> & {
      readonly body?: object
    },
    title: string,
  ): Promise<HttpAnswer & { readonly call: Call }> {
    const { body, ...rest } = request
    const call: Call = { title, type: request.method === 'GET' ? 'read' : 'write' }
    const answer = await http.send({
      ...rest,
      ...(body === undefined ? {} : { body: stringifyJSON(body) }),
      call,
      timeoutMs,
    })
    return { ...answer, call }
  }

  const failure = ({ status, text, call }: HttpAnswer & { readonly call: Call }) =>
    classifyAnswer(status, text, call)

  return {
    async readVariable({ namespace, path }, signal) {
      const title = `read variable "${path}" in namespace "${namespace}"`
      const answer = await send(
        { operation: 'read_variable', method: 'GET', path: `/var/${path}`, query: { namespace }, signal },
        title,
      )
      if (answer.status === 404 && answer.text.includes('variable not found')) return undefined
      if (answer.status !== 200) throw failure(answer)
      return parseVariable(answer.text, answer.call)
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
          items: parseStubs(answer.text, answer.call),
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
      return parseVariable(answer.text, answer.call)
    },

    async deleteVariable({ namespace, path }, modifyIndex) {
      const title = `delete variable "${path}" in namespace "${namespace}"`
      const query = { namespace, cas: modifyIndex }
      const answer = await send(
        { operation: 'delete_variable', method: 'DELETE', path: `/var/${path}`, query },
        title,
      )
      // A conflict's body is what is there: nothing has the index 0. A lock's has a text.
      if (answer.status === 409) {
        return answer.text.startsWith('{') && BigInt(parseStub(answer.text, answer.call).ModifyIndex) === 0n
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

import { findAdminSocket } from '../../lib/admin-socket.ts'
import { errorCode, errorMessage, UsageError } from '../../lib/errors.ts'
import { parseJSON, stringifyJSON } from '../../lib/json.ts'
import { connectSocket, type SocketRequest } from '../../lib/socket-request.ts'
import { packageVersion } from '../../lib/version.ts'
import type { InventoryContents } from '../inventory/memory-inventory.ts'
import { reviveDeclared, reviveManaged } from '../inventory/stored-parts.ts'
import type { Orphans } from '../plan/orphans.ts'
import { type Admin, type OperatorInfo, type StatusReport, userHeader, versionHeader } from './admin.ts'
import type { ManagedObject } from './managed-object.ts'

export interface AdminClient extends Admin {
  /** A link to the dashboard that logs in once, and may give orders. @throws UsageError where none is served */
  createLoginLink(): Promise<string>
  close(): Promise<void>
}

/**
 * Reaches the operator that runs on this directory; undefined where none does.
 * @param cluster the NomadCluster whose operator in that process is meant; undefined: the operator of its own settings
 * @throws UsageError where one runs, and this process may not speak to it or is of another release
 */
export async function connectAdmin(directory: string, cluster?: string): Promise<AdminClient | undefined> {
  const socketPath = findAdminSocket(directory)
  if (socketPath === undefined) return undefined
  const socket = connectSocket(socketPath)

  let isConnected = false
  async function send(path: string, options: SocketRequest) {
    try {
      const url = new URL(path, 'http://mooring')
      if (cluster !== undefined) url.searchParams.set('cluster', cluster)
      return await socket.send(`${url.pathname}${url.search}`, options)
    } catch (error) {
      // Before the first answer there may be no operator at all: the caller decides.
      if (!isConnected) throw error
      throw new UsageError(
        `the operator has ended (${errorMessage(error)}): start it again, and repeat the command`,
        { cause: error },
      )
    }
  }

  /** Both sides are of the same release, so the answer has the shape that is expected. */
  async function call<Answer>(
    method: 'GET' | 'POST',
    path: string,
    body?: object,
    user?: string,
  ): Promise<Answer> {
    const answer = await send(path, {
      method,
      ...(body === undefined
        ? {}
        : {
            body: stringifyJSON(body),
            headers: {
              'content-type': 'application/json',
              ...(user === undefined ? {} : { [userHeader]: encodeURIComponent(user) }),
            },
          }),
    })
    const version = answer.headers[versionHeader]
    const { text } = answer
    if (version !== packageVersion()) {
      throw new UsageError(
        `the operator that runs here is mooring ${version ?? 'of an unknown release'}, and this is mooring ${packageVersion()}: use the same release for both`,
      )
    }
    if (answer.statusCode !== 200) throw new UsageError((parseJSON(text) as { message: string }).message)
    return parseJSON(text) as Answer
  }

  const client: AdminClient = {
    info: () => call<OperatorInfo>('GET', '/v1/info'),
    status: (after) => call<StatusReport>('GET', `/v1/status${after === undefined ? '' : `?after=${after}`}`),
    objects: () => call<ManagedObject[]>('GET', '/v1/objects'),
    async inventory() {
      const contents = await call<InventoryContents>('GET', '/v1/inventory')
      return {
        ...contents,
        declared: contents.declared.map(reviveDeclared),
        managed: contents.managed.map(reviveManaged),
      }
    },
    hashKey: async () => (await call<{ hashKey: string }>('GET', '/v1/hash-key')).hashKey,
    orphans: () => call<Orphans>('GET', '/v1/orphans'),
    order: async (order, by) =>
      (await call<{ message: string }>('POST', '/v1/orders', order, by?.user)).message,
    reconcile: () => call('POST', '/v1/reconcile'),
    createLoginLink: async () => (await call<{ url: string }>('POST', '/v1/login-link')).url,
    close: async () => socket.close(),
  }
  try {
    await client.info()
    isConnected = true
    return client
  } catch (error) {
    await client.close()
    switch (errorCode(error)) {
      // A process that was killed leaves such a socket behind.
      case 'ECONNREFUSED':
      case 'ENOENT':
        return undefined
      case 'EACCES':
        throw new UsageError(
          `the operator at ${directory} belongs to another user: run this command as that user`,
        )
      default:
        if (error instanceof UsageError) throw error
        throw new UsageError(`the operator at ${directory} does not answer: ${errorMessage(error)}`, {
          cause: error,
        })
    }
  }
}

import { chmodSync } from 'node:fs'
import { umask } from 'node:process'
import fastify from 'fastify'
import Type from 'typebox'
import { reserveAdminSocket } from '../lib/admin-socket.ts'
import { UsageError } from '../lib/errors.ts'
import { stringifyJSON } from '../lib/json.ts'
import type { Log } from '../lib/log.ts'
import { packageVersion } from '../lib/version.ts'
import type { Admin } from './admin.ts'

/** Names the release that answers: shapes may differ between releases, so a client asks for its own. */
export const versionHeader = 'mooring-version'

const KeyBody = Type.Object({ key: Type.String() }, { additionalProperties: false })
const RecreateBody = Type.Object(
  { key: Type.String(), lostExternalID: Type.String() },
  { additionalProperties: false },
)
const RestoreBody = Type.Object(
  { key: Type.String(), snapshot: Type.String() },
  { additionalProperties: false },
)
const RestoreReplacedBody = Type.Object(
  { key: Type.String(), externalID: Type.String() },
  { additionalProperties: false },
)
const SnapshotNowBody = Type.Object(
  { target: Type.String(), volume: Type.Optional(Type.String()) },
  { additionalProperties: false },
)
const DetachBody = Type.Object({ key: Type.String(), node: Type.String() }, { additionalProperties: false })
const StatusQuery = Type.Object({ after: Type.Optional(Type.Integer()) })

/**
 * Serves the admin API over HTTP on a unix socket in the operator's directory, for its own user alone.
 * Called under the directory's lock.
 */
export async function serveAdmin(options: {
  readonly directory: string
  readonly admin: Admin
  readonly log: Log
}): Promise<{ close(): Promise<void> }> {
  const { admin, log } = options
  const app = fastify({ forceCloseConnections: true })
  app.setSerializerCompiler(() => stringifyJSON)
  app.setReplySerializer((payload) => stringifyJSON(payload))
  app.addHook('onSend', async (_request, reply) => {
    reply.header(versionHeader, packageVersion())
  })
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const status = error instanceof UsageError ? 400 : (error.statusCode ?? 500)
    if (status >= 500) log.error({ url: request.url, error: error.message }, 'admin request failed')
    return reply.code(status).send({ message: error.message })
  })

  app.get('/v1/info', () => admin.info())
  app.get<{ Querystring: Type.Static<typeof StatusQuery> }>(
    '/v1/status',
    { schema: { querystring: StatusQuery } },
    ({ query }) => admin.status(query.after),
  )
  app.get('/v1/objects', () => admin.objects())
  app.get('/v1/inventory', () => admin.inventory())
  app.get('/v1/hash-key', async () => ({ hashKey: await admin.hashKey() }))
  app.get('/v1/orphans', () => admin.orphans())
  for (const [path, order] of [
    ['/v1/suspend', admin.suspend],
    ['/v1/resume', admin.resume],
    ['/v1/restore/undo', admin.undoRestore],
    ['/v1/snapshot/keep', admin.keepSnapshot],
    ['/v1/snapshot/release', admin.releaseSnapshot],
  ] as const) {
    app.post<{ Body: Type.Static<typeof KeyBody> }>(
      path,
      { schema: { body: KeyBody } },
      async ({ body }) => ({
        message: await order(body.key),
      }),
    )
  }
  app.post<{ Body: Type.Static<typeof RecreateBody> }>(
    '/v1/recreate',
    { schema: { body: RecreateBody } },
    async ({ body }) => ({ message: await admin.recreate(body.key, body.lostExternalID) }),
  )
  app.post<{ Body: Type.Static<typeof RestoreBody> }>(
    '/v1/restore',
    { schema: { body: RestoreBody } },
    async ({ body }) => ({ message: await admin.restore(body.key, body.snapshot) }),
  )
  app.post<{ Body: Type.Static<typeof RestoreReplacedBody> }>(
    '/v1/restore/replaced',
    { schema: { body: RestoreReplacedBody } },
    async ({ body }) => ({ message: await admin.restoreReplaced(body.key, body.externalID) }),
  )
  app.post<{ Body: Type.Static<typeof SnapshotNowBody> }>(
    '/v1/snapshot/now',
    { schema: { body: SnapshotNowBody } },
    async ({ body }) => ({ message: await admin.snapshotNow(body.target, body.volume) }),
  )
  app.post<{ Body: Type.Static<typeof DetachBody> }>(
    '/v1/detach',
    { schema: { body: DetachBody } },
    async ({ body }) => ({ message: await admin.detach(body.key, body.node) }),
  )
  app.post('/v1/reconcile', async () => {
    await admin.reconcile()
    return {}
  })

  const socket = reserveAdminSocket(options.directory)
  // Made for its user alone from the first moment on, wherever the directory is.
  const before = umask(0o077)
  try {
    await app.listen({ path: socket.path })
    chmodSync(socket.path, 0o600)
  } finally {
    umask(before)
  }
  return {
    async close() {
      await app.close()
      socket.remove()
    },
  }
}

import { randomUUID } from 'node:crypto'
import { chmodSync, createReadStream, readdirSync, rmSync, statSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { umask } from 'node:process'
import { pipeline } from 'node:stream/promises'
import { reserveAdminSocket } from '../../lib/admin-socket.ts'
import { errorMessage } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import type { State } from '../state/state.ts'

const backupPrefix = 'backup-'

/**
 * Serves backups and changes of the key on a unix socket in the data directory, for its own user alone: who may read the state itself may
 * have a backup of it. Tokens and certificates do not count here. Called under the directory's lock.
 */
export async function serveServerAdmin(
  directory: string,
  state: State,
  log: Log,
): Promise<{ close(): Promise<void> }> {
  const server = createServer((request, response) => {
    if (request.method === 'POST' && request.url === '/v1/rotate-key') {
      state.rotateKey().then(
        (keyID) => {
          log.info({ keyID }, 'secrets are encrypted with a new key')
          response.end(keyID)
        },
        (error) => {
          log.error({ reason: errorMessage(error) }, 'key of the secrets is not changed')
          response.writeHead(500).end(errorMessage(error))
        },
      )
      return
    }
    const isBackup = request.method === 'POST' && request.url === '/v1/backup'
    if (!isBackup) {
      response.writeHead(404).end()
      return
    }
    sendBackup(directory, state, response).then(
      () => log.info('backup taken'),
      (error) => {
        log.error({ reason: errorMessage(error) }, 'backup failed')
        if (!response.headersSent) response.writeHead(500).end(errorMessage(error))
        else response.destroy()
      },
    )
  })
  // What a process that was killed while it sent one leaves behind.
  for (const name of readdirSync(directory)) {
    if (name.startsWith(backupPrefix)) rmSync(join(directory, name))
  }
  const socket = reserveAdminSocket(directory)
  const before = umask(0o077)
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(socket.path, resolve)
    })
    // A connection that cannot be taken ends nothing.
    server.on('error', (error) =>
      log.error({ reason: errorMessage(error) }, 'connection of the admin socket is not taken'),
    )
    chmodSync(socket.path, 0o600)
  } finally {
    umask(before)
  }
  return {
    async close() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeIdleConnections()
      })
      socket.remove()
    },
  }
}

async function sendBackup(directory: string, state: State, response: ServerResponse): Promise<void> {
  const path = join(directory, `${backupPrefix}${randomUUID()}.db`)
  try {
    await state.backup(path)
    response.writeHead(200, { 'content-length': statSync(path).size, connection: 'close' })
    await pipeline(createReadStream(path), response)
  } finally {
    for (const suffix of ['', '-wal', '-journal']) rmSync(path + suffix, { force: true })
  }
}

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseJSON, stringifyJSON } from '../../src/lib/json.ts'
import { silentLog } from '../../src/lib/log.ts'
import { type Server, type ServerOptions, startServer } from '../../src/server/server.ts'
import { type FakePlugin, startFakePlugin } from './csi-plugin.ts'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The body read as JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers and fail where these are not so
  readonly json: any
}

/** A running server over one fake plugin, both with directories of their own. */
export interface TestServer {
  readonly plugin: FakePlugin
  readonly dataDirectory: string
  url: string
  /** A string body goes as it is, anything else as JSON. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  /** Closes and starts again on the same data, with other options where given. */
  restart(options?: Partial<ServerOptions>): Promise<void>
  close(): Promise<void>
  dispose(): Promise<void>
}

export const pluginID = 'disk'

export async function startTestServer(options: Partial<ServerOptions> = {}): Promise<TestServer> {
  const plugin = await startFakePlugin()
  const dataDirectory = mkdtempSync(join(tmpdir(), 'mooring-server-'))
  const start = (more: Partial<ServerOptions> = {}): Promise<Server> =>
    startServer({
      http: { host: '127.0.0.1', port: 0 },
      dataDirectory,
      plugins: [{ id: pluginID, endpoint: plugin.endpoint }],
      log: silentLog,
      drainTimeoutMs: 0,
      ...options,
      ...more,
    })
  let server: Server | undefined = await start().catch(async (error) => {
    await plugin.dispose()
    rmSync(dataDirectory, { recursive: true, force: true })
    throw error
  })
  const test: TestServer = {
    plugin,
    dataDirectory,
    url: server.url,
    async call(method, path, body, headers = {}) {
      const response = await fetch(`${test.url}${path}`, {
        method,
        headers,
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : stringifyJSON(body) }),
      })
      const text = await response.text()
      return {
        status: response.status,
        headers: response.headers,
        text,
        get json() {
          return parseJSON(text)
        },
      }
    },
    async restart(more) {
      await test.close()
      server = await start(more)
      test.url = server.url
    },
    async close() {
      await server?.close()
      server = undefined
    },
    async dispose() {
      await test.close()
      await plugin.dispose()
      rmSync(dataDirectory, { recursive: true, force: true })
    },
  }
  return test
}

/** The body of Create or Register for one volume. */
export const volumeBody = (id: string, fields: object = {}) => ({
  Volumes: [
    {
      ID: id,
      Name: id,
      PluginID: pluginID,
      RequestedCapabilities: [{ AccessMode: 'single-node-writer', AttachmentMode: 'file-system' }],
      ...fields,
    },
  ],
})

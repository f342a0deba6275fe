import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/lib/clock.ts'
import { openState } from '../../../src/server/state/state.ts'
import { volumeRecord } from '../../builders/server-records.ts'
import { startTestServer, type TestServer, volumeBody } from '../../fakes/api-server.ts'
import { startMooring } from '../../helpers/mooring-process.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

let server: TestServer
let file: string

beforeEach(async () => {
  server = await startTestServer()
  file = join(temporaryDirectory(), 'backup.db')
})
afterEach(() => server.dispose())

const run = async (command: 'backup' | 'restore', path = file, directory = server.dataDirectory) => {
  const mooring = startMooring(['server', command, path, '--data-dir', directory])
  const status = await mooring.exited()
  return { status, said: [...mooring.output, ...mooring.complaints].join('\n') }
}
const create = (id: string, fields = {}) =>
  server.call('PUT', `/v1/volume/csi/${id}/create`, volumeBody(id, fields))
const ids = async () =>
  (await server.call('GET', '/v1/volumes?type=csi')).json.map(({ ID }: { ID: string }) => ID)

describe('a backup', () => {
  it('in a storm of writes is the state of one moment', async () => {
    const directory = temporaryDirectory()
    const state = openState(directory, systemClock)
    // Two rows that are always written together, far apart in a database of many pages.
    const put = (n: number) =>
      state.write(({ put }) => {
        for (const id of ['a', 'z']) put('csi_volumes', volumeRecord({ id, name: String(n) }))
      })
    state.write(({ put }) => {
      for (let n = 0; n < 1_500; n++) {
        put('csi_volumes', volumeRecord({ id: `m${n}`, parameters: { filling: 'x'.repeat(2_000) } }))
      }
    })
    put(0)
    let written = 0
    let isDone = false
    const taken = state.backup(file).finally(() => {
      isDone = true
    })
    while (!isDone) {
      put(++written)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await taken
    state.close()
    expect(written).toBeGreaterThan(0)

    const other = temporaryDirectory()
    cpSync(join(directory, 'server.key'), join(other, 'server.key'))
    expect(await run('restore', file, other)).toMatchObject({ status: 0 })
    const restored = openState(other, systemClock)
    const [first, last] = ['default/a', 'default/z'].map((key) => restored.csi_volumes.get(key)?.name)
    expect(first).toBe(last)
    expect(Number(first)).toBeLessThanOrEqual(written)
    expect(restored.csi_volumes.list()).toHaveLength(1_502)
    restored.close()
  })

  it('of a running server restores to what was acknowledged before it, with no secret in it in the clear', async () => {
    await create('before', { Secrets: { password: 'planted-in-backup' } })
    expect(await run('backup')).toEqual({
      status: 0,
      said: `${file} holds the state of ${server.dataDirectory}`,
    })
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readFileSync(file, 'latin1')).not.toContain('planted-in-backup')
    expect(readdirSync(server.dataDirectory).filter((name) => name.startsWith('backup-'))).toEqual([])
    await create('after')
    await server.close()
    const restored = await run('restore')
    expect(restored.said).toMatch(/the state before it is in .*before-restore-/)
    await server.restart()
    expect(await ids()).toEqual(['before'])
    const snapshot = { Snapshots: [{ SourceVolumeID: 'before', Name: 's' }] }
    expect((await server.call('PUT', '/v1/volumes/snapshot', snapshot)).status).toBe(200)
    const [call] = server.plugin.calls.filter(({ rpc }) => rpc === 'CreateSnapshot')
    expect(call?.request).toMatchObject({ secrets: { password: 'planted-in-backup' } })
  })

  it('is taken where no server runs, too', async () => {
    await create('one')
    await server.close()
    expect(await run('backup')).toMatchObject({ status: 0 })
    await server.restart()
    expect(await ids()).toEqual(['one'])
  })

  it('is none where there is no state', async () => {
    const { status, said } = await run('backup', file, temporaryDirectory())
    expect([status, said]).toEqual([1, expect.stringContaining('there is no state of mooring server')])
    expect(existsSync(file)).toBe(false)
  })

  it('goes over the socket where the directory’s path is too long for one', async () => {
    const directory = join(temporaryDirectory(), 'x'.repeat(120))
    mkdirSync(directory)
    await server.restart({ dataDirectory: directory })
    expect(await run('backup', file, directory)).toMatchObject({ status: 0 })
    await server.close()
  })
})

describe('a restore', () => {
  beforeEach(async () => {
    await create('kept')
    expect((await run('backup')).status).toBe(0)
  })

  const refused = async (said: RegExp) => {
    const answer = await run('restore')
    expect(answer).toEqual({ status: 1, said: expect.stringMatching(said) })
    expect(readdirSync(server.dataDirectory).filter((name) => /restor/.test(name))).toEqual([])
  }

  it('is refused while a server runs, by name', async () => {
    await refused(/server\.db is in use by another mooring process/)
    expect(await ids()).toEqual(['kept'])
  })

  it('is refused of a later release', async () => {
    await server.close()
    const database = new DatabaseSync(file)
    database.exec('PRAGMA user_version = 99')
    database.close()
    await refused(/backup\.db cannot be restored: it has format 99, .* formats up to/)
  })

  it('is refused of a damaged backup', async () => {
    await server.close()
    const bytes = readFileSync(file)
    writeFileSync(file, bytes.fill(0xff, 4096, 8192))
    await refused(/backup\.db cannot be restored: .*damaged/)
  })

  it('is refused of a file that is something else', async () => {
    await server.close()
    writeFileSync(file, 'hello')
    await refused(/backup\.db cannot be restored: it is no backup of mooring server/)
  })

  it('takes the place of a state that is damaged', async () => {
    await server.close()
    writeFileSync(join(server.dataDirectory, 'server.db'), 'x'.repeat(9000))
    expect(await run('restore')).toMatchObject({ status: 0 })
    await server.restart()
    expect(await ids()).toEqual(['kept'])
  })
})

describe('the key of the secrets', () => {
  const rotate = async () => {
    const mooring = startMooring(['server', 'rotate-key', '--data-dir', server.dataDirectory])
    expect([await mooring.exited(), mooring.complaints]).toEqual([0, []])
  }
  const key = () => readFileSync(join(server.dataDirectory, 'server.key'), 'hex')
  /** What the plugin gets for a volume, which shows that its secrets can be read. */
  const secretsAtPlugin = async (id: string) => {
    await server.call('PUT', '/v1/volumes/snapshot', { Snapshots: [{ SourceVolumeID: id, Name: 's' }] })
    return server.plugin.calls.findLast(({ rpc }) => rpc === 'CreateSnapshot')?.request
  }
  const kept = { secrets: { password: 'kept' } }

  it('is changed while the server runs, and while it does not', async () => {
    await create('v1', { Secrets: { password: 'kept' } })
    const keys = [key()]
    await rotate()
    keys.push(key())
    expect(await secretsAtPlugin('v1')).toMatchObject(kept)
    await server.restart()
    expect(await secretsAtPlugin('v1')).toMatchObject(kept)
    await server.close()
    await rotate()
    keys.push(key())
    await server.restart()
    expect(await secretsAtPlugin('v1')).toMatchObject(kept)
    expect(new Set(keys).size).toBe(3)
    for (const name of readdirSync(server.dataDirectory).filter((file) => file.startsWith('server.key'))) {
      expect(statSync(join(server.dataDirectory, name)).mode & 0o777).toBe(0o600)
    }
  })

  it('from before a change still opens a backup from before it', async () => {
    await create('v1', { Secrets: { password: 'kept' } })
    expect((await run('backup')).status).toBe(0)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readFileSync(file, 'latin1')).not.toContain('kept')
    await rotate()
    await server.close()
    expect((await run('restore')).status).toBe(0)
    await server.restart()
    expect(await secretsAtPlugin('v1')).toMatchObject(kept)
  })

  it('is the new one where a change was cut short once everything was encrypted with it', async () => {
    await create('v1', { Secrets: { password: 'kept' } })
    const before = join(server.dataDirectory, 'server.key')
    const old = readFileSync(before)
    await rotate()
    await server.close()
    // As it is between the write and the files.
    writeFileSync(`${before}.new`, readFileSync(before), { mode: 0o600 })
    writeFileSync(before, old)
    for (const name of readdirSync(server.dataDirectory)) {
      if (/^server\.key\.[0-9a-f]{16}$/.test(name)) rmSync(join(server.dataDirectory, name))
    }
    await server.restart()
    expect(await secretsAtPlugin('v1')).toMatchObject(kept)
  })
})

it('a report of Node on a crash names no variable', async () => {
  const directory = temporaryDirectory()
  const data = join(directory, 'data')
  const report = join(directory, 'report.json')
  const mooring = startMooring(['server', '--http', '127.0.0.1:0', '--data-dir', data], {
    MOORING_SECRET_X: 'planted-in-the-environment',
    NODE_OPTIONS: `--report-on-signal --report-directory=${directory} --report-filename=report.json`,
  })
  await expect.poll(() => existsSync(join(data, 'admin.sock')), { timeout: 20_000 }).toBe(true)
  mooring.signal('SIGUSR2')
  await expect
    .poll(() => existsSync(report) && readFileSync(report, 'utf8').trimEnd().endsWith('}'), {
      timeout: 20_000,
    })
    .toBe(true)
  mooring.signal('SIGTERM')
  await mooring.exited()
  expect(readFileSync(report, 'utf8')).not.toContain('planted-in-the-environment')
})

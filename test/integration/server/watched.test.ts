import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createLog } from '../../../src/lib/log.ts'
import { hashSecret } from '../../../src/server/acl/acl-file.ts'
import { startTestServer, type TestServer, volumeBody } from '../../fakes/api-server.ts'
import { startFakePlugin } from '../../fakes/csi-plugin.ts'

let directory: string
let server: TestServer | undefined
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mooring-watched-'))
})
afterEach(async () => {
  await server?.dispose()
  server = undefined
  rmSync(directory, { recursive: true, force: true })
})

/** An error in a callback that nobody stands behind would fail the run as an unhandled one. */
const isAlive = async () => expect((await server?.call('GET', '/v1/regions'))?.status).toBe(200)

describe('the folder of plugins', () => {
  it('may be removed, replaced and come back', async () => {
    const folder = join(directory, 'plugins')
    mkdirSync(folder)
    let plugin = await startFakePlugin(join(folder, 'second.sock'))
    server = await startTestServer({ pluginDirectory: folder, probeIntervalMs: 50 })
    const health = async () => (await server?.call('GET', '/v1/plugin/csi/second'))?.status
    const become = (status: number) =>
      vi.waitFor(async () => expect(await health()).toBe(status), { timeout: 20_000 })
    await become(200)
    rmSync(folder, { recursive: true })
    await become(404)
    writeFileSync(folder, 'a file in its place')
    await isAlive()
    rmSync(folder)
    mkdirSync(folder)
    await plugin.dispose()
    plugin = await startFakePlugin(join(folder, 'second.sock'))
    await become(200)
    // The watch is of the new folder: nothing waits for the next look.
    renameSync(join(folder, 'second.sock'), join(folder, 'third.sock'))
    await become(404)
    await plugin.dispose()
  }, 60_000)
})

describe('the file of the ACL', () => {
  it('may be removed, replaced by a folder, and emptied: what was valid goes on', async () => {
    const lines: string[] = []
    const aclFile = join(directory, 'acl.json')
    const token = { accessorID: 'root', type: 'management', secretHash: hashSecret('root') }
    writeFileSync(aclFile, JSON.stringify({ tokens: [token] }))
    server = await startTestServer({
      aclFile,
      log: createLog('error', { write: (line) => void lines.push(line) }),
    })
    const headers = { 'x-nomad-token': 'root' }
    const { call } = server
    for (const disturb of [
      () => rmSync(aclFile),
      () => mkdirSync(aclFile),
      () => writeFileSync(join(aclFile, 'x'), ''),
      () => rmSync(aclFile, { recursive: true }),
      () => writeFileSync(aclFile, ''),
    ]) {
      const before = lines.length
      disturb()
      await vi.waitFor(() => expect(lines.length).toBeGreaterThan(before), { timeout: 10_000 })
      expect((await call('GET', '/v1/regions', undefined, headers)).status).toBe(200)
    }
    writeFileSync(aclFile, JSON.stringify({ tokens: [] }))
    const refused = async () =>
      expect((await call('GET', '/v1/regions', undefined, headers)).status).toBe(403)
    await vi.waitFor(refused, { timeout: 10_000 })
  })
})

/** A disk of 4 MiB; undefined where this process may mount none. */
function mountSmallDisk(path: string): (() => void) | undefined {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', path], { stdio: 'ignore' })
    return () => void execFileSync('umount', ['-l', path], { stdio: 'ignore' })
  } catch {
    // Without the right to mount there is nothing to fill.
    return undefined
  }
}
const mayMount = (() => {
  const path = mkdtempSync(join(tmpdir(), 'mooring-mount-'))
  const unmount = mountSmallDisk(path)
  unmount?.()
  rmSync(path, { recursive: true })
  return unmount !== undefined
})()

describe.skipIf(!mayMount)('a disk that is full (the right to mount is needed)', () => {
  it('refuses writes with 507, answers reads, and goes on when there is room again', async () => {
    const disk = join(directory, 'disk')
    mkdirSync(disk)
    const unmount = mountSmallDisk(disk)
    const filler = join(disk, 'filler')
    try {
      server = await startTestServer({
        dataDirectory: join(disk, 'state'),
        mountRoot: join(directory, 'mounts'),
        probeIntervalMs: 50,
      })
      const call = server.call
      const create = (id: string) => call('PUT', `/v1/volume/csi/${id}/create`, volumeBody(id))
      expect((await create('before')).status).toBe(200)
      fill(filler)
      const large = volumeBody('large', { Context: { text: 'x'.repeat(2 << 20) }, ExternalID: 'large' })
      server.plugin.volumes.set('large', { id: 'large', name: 'large', capacityBytes: 1n })
      const refused = await call('PUT', '/v1/volume/csi/large', large)
      expect(refused).toMatchObject({
        status: 507,
        text: expect.stringMatching(/disk .* is full.*free space/),
      })
      // Whatever comes on its own meanwhile costs itself.
      await vi.waitFor(async () => expect((await create('more')).status).toBe(507), { timeout: 20_000 })
      server.plugin.ready = false
      server.plugin.volumes.set('listed', { id: 'listed', name: 'listed', capacityBytes: 1n })
      for (const path of ['/v1/volumes?type=csi', '/v1/volume/csi/before', '/v1/plugins?type=csi']) {
        expect([path, (await call('GET', path)).status]).toEqual([path, 200])
      }
      server.plugin.ready = true
      expect((await call('GET', '/v1/volumes/external?plugin_id=disk')).status).toBe(200)
      const claim = { TargetPath: join(directory, 'mounts', 'a') }
      expect((await call('PUT', '/v1/volume/csi/before/claim', claim)).status).toBe(507)
      rmSync(filler)
      expect((await create('after')).status).toBe(200)
      expect((await call('GET', '/v1/volume/csi/large')).status).toBe(404)
      server.plugin.ready = false
      await vi.waitFor(async () =>
        expect((await call('GET', '/v1/plugin/csi/disk')).json.ControllersHealthy).toBe(0),
      )
      await server.close()
    } finally {
      await server?.close()
      unmount?.()
    }
  })
})

function fill(path: string) {
  const file = openSync(path, 'w')
  try {
    for (const size of [1 << 16, 1 << 12]) {
      for (;;) if (writeSync(file, Buffer.alloc(size)) < size) break
    }
  } catch {
    // That there is no room left is what was wanted.
  } finally {
    closeSync(file)
  }
}

it('a log that cannot be written, as on a full disk, costs its lines', async () => {
  const full = openSync('/dev/full', 'w')
  const main = fileURLToPath(new URL('../../../src/main.ts', import.meta.url))
  const child = spawn(process.execPath, [main, 'server', '--http', '127.0.0.1:0', '--data-dir', directory], {
    stdio: ['ignore', 'ignore', full],
  })
  const ended = once(child, 'exit')
  closeSync(full)
  // Its admin socket answers once it listens.
  await vi.waitFor(
    () =>
      execFileSync('curl', [
        '-sf',
        '--unix-socket',
        join(directory, 'admin.sock'),
        '-X',
        'POST',
        '-o',
        '/dev/null',
        'http://x/v1/backup',
      ]),
    { timeout: 20_000 },
  )
  child.kill('SIGTERM')
  expect(await ended).toEqual([0, null])
})

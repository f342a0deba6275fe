import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { silentLog } from '../../../src/lib/log.ts'
import { openSqliteInventory } from '../../../src/operator/inventory/sqlite-inventory.ts'
import { openParts } from '../../../src/operator/open-parts.ts'
import { runOperator } from '../../../src/operator/operator.ts'
import type { OperatorSettings } from '../../../src/operator/settings.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

const host = '127.0.0.1'

/** An operator with nothing to do, whose Nomad is away. */
function settingsWith(fields: Partial<OperatorSettings>): OperatorSettings {
  const root = temporaryDirectory()
  return {
    directory: join(root, 'operator'),
    readOnly: false,
    own: {
      nomad: { nomadAddr: `http://${host}:1` },
      sources: { places: [root], variables: new Map(), gitPollMs: 60_000 },
      plugins: new Map(),
    },
    loop: {
      prune: { prune: false, pruneDelayMs: 0, allowEmpty: false },
      rescanMs: 60_000,
      resyncMs: 60_000,
    },
    inventory: { place: 'file' },
    telemetry: {},
    ...fields,
  }
}

/** Listens on a port that was free, for as long as `work` takes. */
async function withPort<Result>(port: number, work: (port: number) => Promise<Result>): Promise<Result> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject)
    server.listen(port, host, resolve)
  })
  try {
    return await work((server.address() as { port: number }).port)
  } finally {
    await new Promise((resolve) => server.close(resolve))
  }
}

it('a term whose Nomad cannot be connected leaves the port of its webhook free for the next one', async () => {
  const root = temporaryDirectory()
  const port = await withPort(0, async (free) => free)
  const opening = openParts({
    cluster: {
      nomad: { nomadAddr: `http://${host}:1`, nomadTokenFile: join(root, 'none') },
      sources: { places: [`git+file://${root}`], variables: new Map(), gitPollMs: 60_000 },
      webhook: { host, port, secret: 'shared' },
      plugins: new Map(),
    },
    gitDirectory: join(root, 'git'),
    keyedHash: (text) => text,
    log: silentLog,
  })
  await expect(opening).rejects.toThrow(/token cannot be read/)
  expect(await withPort(port, async (taken) => taken)).toBe(port)
})

it('an operator that cannot listen for its metrics lets go of its directory', async () => {
  const settings = settingsWith({})
  await withPort(0, async (port) => {
    const running = runOperator(
      { ...settings, telemetry: { metricsAddress: { host, port } } },
      { log: silentLog },
    )
    await expect(running).rejects.toThrow(/--metrics-addr: .*EADDRINUSE/)
  })
  openSqliteInventory(settings.directory).close()
})

it('an operator that cannot serve its socket lets go of its directory and its port, and runs once it can', async () => {
  const port = await withPort(0, async (free) => free)
  const settings = settingsWith({ telemetry: { metricsAddress: { host, port } } })
  const socket = join(settings.directory, 'admin.sock')
  mkdirSync(socket, { recursive: true })
  writeFileSync(join(socket, 'file'), '')
  await expect(runOperator(settings, { log: silentLog })).rejects.toThrow(/admin.sock/)
  expect(await withPort(port, async (taken) => taken)).toBe(port)
  openSqliteInventory(settings.directory).close()

  rmSync(socket, { recursive: true })
  const running = await runOperator(settings, { log: silentLog })
  expect(await running.admin.info()).toMatchObject({ readOnly: false, nomadAddr: `http://${host}:1` })
  await running.close()
  openSqliteInventory(settings.directory).close()
})

import { chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../../src/lib/clock.ts'
import { UsageError } from '../../../src/lib/errors.ts'
import { migrations } from '../../../src/server/state/database.ts'
import { createSecretBox } from '../../../src/server/state/secret-box.ts'
import { openState } from '../../../src/server/state/state.ts'
import { volumeRecord } from '../../builders/server-records.ts'
import { startMooring } from '../../helpers/mooring-process.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

const planted = 'hunter2-planted'
const record = volumeRecord({
  id: 'a',
  requestedCapacityMin: 2n ** 60n + 1n,
  secrets: { password: planted },
  mountOptions: { fsType: 'cifs', mountFlags: [`password=${planted}`] },
})

/** Everything that the files of a directory hold, as Latin-1. */
const contents = (directory: string) =>
  readdirSync(directory)
    .map((name) => readFileSync(join(directory, name), 'latin1'))
    .join('\n')

/** A state with one volume, closed. */
function writeState(directory: string) {
  const state = openState(directory, systemClock)
  state.write(({ put }) => put('csi_volumes', record))
  const { nodeID } = state
  state.close()
  return nodeID
}

const refusal = (directory: string) => {
  try {
    openState(directory, systemClock).close()
    return undefined
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError)
    return (error as Error).message
  }
}

it("SQLite's log comes into the database while the state is open, so that it stops growing", async () => {
  const directory = temporaryDirectory()
  const bytesOf = (name: string) => statSync(join(directory, name)).size
  const state = openState(directory, systemClock)
  const put = (id: string, length: number) =>
    state.write(({ put }) =>
      put('csi_volumes', volumeRecord({ id, context: { filling: 'x'.repeat(length) } })),
    )
  for (let n = 0; n < 80; n++) put(`v${n}`, 64 << 10)
  // The connection of the state leaves its log alone: only the thread writes to the database.
  await vi.waitFor(() => expect(bytesOf('server.db')).toBeGreaterThan(3 << 20), { timeout: 60_000 })
  await vi.waitFor(
    () => {
      const before = bytesOf('server.db-wal')
      put('more', 1)
      expect(bytesOf('server.db-wal')).toBe(before)
    },
    { timeout: 60_000 },
  )
  state.close()
  expect(readdirSync(directory).sort()).toEqual(['server.db', 'server.key', 'server.lock'])
  const reopened = openState(directory, systemClock)
  expect(reopened.csi_volumes.list()).toHaveLength(81)
  reopened.close()
}, 150_000)

describe('stored secrets', () => {
  it('are read again by the key, and in no file in the clear', () => {
    const directory = temporaryDirectory()
    writeState(directory)
    expect(contents(directory)).not.toContain(planted)
    const state = openState(directory, systemClock)
    expect(state.csi_volumes.list()).toEqual([record])
    expect(contents(directory)).not.toContain(planted)
    state.close()
    expect(statSync(join(directory, 'server.key')).mode & 0o777).toBe(0o600)
  })

  it('leave nothing behind when they are replaced or deleted', () => {
    const directory = temporaryDirectory()
    const state = openState(directory, systemClock)
    state.write(({ put }) => put('csi_volumes', record))
    const sealed = () => contents(directory).match(/[A-Za-z0-9+/]{60,}={0,2}/g) ?? []
    const before = sealed()
    expect(before.length).toBeGreaterThan(0)
    state.write(({ remove }) => remove('csi_volumes', 'default/a'))
    state.close()
    expect(sealed()).toEqual([])
  })

  it('of the previous format are encrypted, and gone from every page and from the log', () => {
    const directory = temporaryDirectory()
    const before = new DatabaseSync(join(directory, 'server.db'))
    before.exec('PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0')
    for (const migration of migrations.slice(0, 2)) before.exec(migration)
    before.exec('PRAGMA user_version = 2')
    const { secrets, ...document } = record
    const text = JSON.stringify({ ...document, requestedCapacityMin: 0 }).replace(
      '"requestedCapacityMin":0',
      '"requestedCapacityMin":1152921504606846977',
    )
    const put = (table: string, row: string, key = 'default/a') =>
      before
        .prepare(`INSERT INTO ${table} (key, document, secrets) VALUES (?, ?, ?)`)
        .run(key, row, JSON.stringify(secrets))
    put('csi_volumes', text)
    put('csi_volumes', text, 'default/gone')
    before.exec("DELETE FROM csi_volumes WHERE key = 'default/gone'")
    put('csi_creates', `{"startedMs":1,"definition":${text}}`)
    put('csi_deletes', '{"namespace":"default","id":"a","startedMs":1}')
    // As builds between the formats have it: sealed, and the flags still in the clear.
    const key = Buffer.alloc(32, 7)
    writeFileSync(join(directory, 'server.key'), key, { mode: 0o600 })
    const sealed = createSecretBox(key).seal('csi_volumes/default/b', JSON.stringify(secrets))
    before
      .prepare('INSERT INTO csi_volumes (key, document, secrets) VALUES (?, ?, ?)')
      .run('default/b', text.replace('"id":"a"', '"id":"b"'), sealed)
    before.close()
    expect(contents(directory)).toContain(planted)

    const state = openState(directory, systemClock)
    expect(state.csi_volumes.list()).toEqual([record, { ...record, id: 'b' }])
    expect(state.csi_creates.list()).toEqual([{ startedMs: 1, definition: record }])
    expect(state.csi_deletes.list()).toEqual([{ namespace: 'default', id: 'a', startedMs: 1, secrets }])
    expect(contents(directory)).not.toContain(planted)
    state.close()
    expect(contents(directory)).not.toContain(planted)
  })
})

describe('what an earlier process wrote', () => {
  it('counts as kept only after a sync, because a kill leaves it in the file and not on the disk', async () => {
    const directory = temporaryDirectory()
    writeState(directory)
    const state = openState(directory, systemClock)
    expect(state.settled()).toBeInstanceOf(Promise)
    await state.durable()
    expect(state.settled()).toBeUndefined()
    state.close()
  })
})

describe('a state is refused, and what to do is said', () => {
  it('without its key', () => {
    const directory = temporaryDirectory()
    writeState(directory)
    rmSync(join(directory, 'server.key'))
    expect(refusal(directory)).toMatch(/server\.key: put it back/)
  })

  it('with another key', () => {
    const directory = temporaryDirectory()
    writeState(directory)
    writeFileSync(join(directory, 'server.key'), '0'.repeat(32))
    expect(refusal(directory)).toMatch(/server\.key is not the key/)
  })

  it('with a key that others can read', () => {
    const directory = temporaryDirectory()
    writeState(directory)
    chmodSync(join(directory, 'server.key'), 0o644)
    expect(refusal(directory)).toMatch(/chmod 600/)
  })

  it('of a later release', () => {
    const directory = temporaryDirectory()
    writeState(directory)
    const database = new DatabaseSync(join(directory, 'server.db'))
    database.exec('PRAGMA user_version = 99')
    database.close()
    expect(refusal(directory)).toMatch(/has format 99, .*run the release that wrote it, or put a backup/)
  })

  it('that is no database', () => {
    const directory = temporaryDirectory()
    writeFileSync(join(directory, 'server.db'), 'x'.repeat(9000))
    expect(refusal(directory)).toMatch(/server\.db is damaged .*restore a backup: mooring server restore/)
  })

  it('with a damaged page', () => {
    const directory = temporaryDirectory()
    const state = openState(directory, systemClock)
    state.write(({ put }) => {
      for (let n = 0; n < 200; n++) put('csi_volumes', { ...record, id: `v${n}` })
    })
    state.close()
    const path = join(directory, 'server.db')
    const bytes = readFileSync(path)
    bytes.fill(0xff, bytes.length - 3 * 4096, bytes.length - 2 * 4096)
    writeFileSync(path, bytes)
    expect(refusal(directory)).toMatch(/server\.db is damaged .*restore a backup/)
  })

  it('with a row that somebody put elsewhere', () => {
    const directory = temporaryDirectory()
    writeState(directory)
    const database = new DatabaseSync(join(directory, 'server.db'))
    database.exec("UPDATE csi_volumes SET key = 'default/b'")
    database.close()
    expect(refusal(directory)).toMatch(/damaged in its row default\/b of csi_volumes .*restore a backup/)
  })

  it('that another process holds', async () => {
    const directory = temporaryDirectory()
    const holder = openState(directory, systemClock)
    const second = startMooring(['server', '--http', '127.0.0.1:0', '--data-dir', directory])
    await second.printed(
      /server\.db is in use by another mooring process; end that one, or give another --data-dir/,
    )
    expect(await second.exited()).toBe(1)
    holder.close()
  })
})

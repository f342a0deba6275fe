import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Writable } from 'node:stream'
import { status } from '@grpc/grpc-js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createLog } from '../../../src/lib/log.ts'
import { startTestServer, type TestServer, volumeBody } from '../../fakes/api-server.ts'

const secret = 'RECOGNISABLE-SECRET'
let server: TestServer
let logged = ''
const answers: string[] = []

beforeEach(async () => {
  logged = ''
  answers.length = 0
  const stream = new Writable({
    write(chunk, _encoding, done) {
      logged += chunk
      done()
    },
  })
  server = await startTestServer({ log: createLog('trace', stream) })
})
afterEach(() => server.dispose())

const call: TestServer['call'] = async (...parameters) => {
  const answer = await server.call(...parameters)
  answers.push(answer.text)
  return answer
}
const create = (id: string, fields = {}) =>
  call('PUT', `/v1/volume/csi/${id}/create`, volumeBody(id, { Secrets: { password: secret }, ...fields }))

describe('a secret', () => {
  it('is in no file, no log and no answer, and reaches the plugin', async () => {
    await create('v1')
    await create('v1', { Secrets: { password: `${secret}-2` } })
    server.plugin.failNext('CreateVolume', { code: status.DEADLINE_EXCEEDED, details: 'slow' })
    await create('pending')
    await call('GET', '/v1/volume/csi/v1')
    await call('GET', '/v1/volumes?type=csi')
    await call('PUT', '/v1/volume/csi/x/create', `{"Volumes":[{"Secrets":{"password":"${secret}"`)
    await call('PUT', '/v1/volume/csi/x/create', volumeBody('x', { Secrets: secret }))
    server.plugin.failNext('DeleteVolume', { code: status.INTERNAL, details: 'broken' })
    await call('DELETE', '/v1/volume/csi/v1/delete', undefined, { 'x-nomad-csi-secrets': `b=${secret}` })
    const snapshot = { SourceVolumeID: 'v1', Name: 's', Secrets: { c: secret } }
    await call('PUT', '/v1/volumes/snapshot', { Snapshots: [snapshot] })
    for (const file of readdirSync(server.dataDirectory)) {
      expect([file, readFileSync(join(server.dataDirectory, file)).includes(secret)]).toEqual([file, false])
    }
    expect(logged).not.toContain(secret)
    expect(answers.join()).not.toContain(secret)
    expect(JSON.stringify(server.plugin.calls.filter(({ rpc }) => rpc === 'DeleteVolume'))).toContain(secret)
  })

  it('is there again after a restart, with its key only', async () => {
    await create('v1')
    await server.restart()
    expect((await create('v1')).status).toBe(409)
    await server.close()
    const keyFile = join(server.dataDirectory, 'server.key')
    expect(statSync(keyFile).mode & 0o777).toBe(0o600)
    const key = readFileSync(keyFile)
    writeFileSync(keyFile, Buffer.alloc(32))
    await expect(server.restart()).rejects.toThrow('were not stored with the key in')
    writeFileSync(keyFile, 'short')
    await expect(server.restart()).rejects.toThrow('holds no key')
    writeFileSync(keyFile, key)
    chmodSync(keyFile, 0o644)
    await expect(server.restart()).rejects.toThrow('can be read by others')
    chmodSync(keyFile, 0o600)
    await server.restart()
    expect((await create('v1')).status).toBe(409)
  })

  it('that an earlier release stored in the clear is encrypted by the next start', async () => {
    await create('v1')
    await server.close()
    const path = join(server.dataDirectory, 'server.db')
    const database = new DatabaseSync(path)
    database.exec(`UPDATE csi_volumes SET secrets = '{"password":"${secret}"}'`)
    database.close()
    await server.restart()
    expect((await create('v1')).status).toBe(409)
  })
})

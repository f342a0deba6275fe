import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseJSON } from '../../src/lib/json.ts'
import { silentLog } from '../../src/lib/log.ts'
import { startServer } from '../../src/server/server.ts'
import { runDriver } from '../support/driver.ts'
import { createDescribeFault, type DescribeFault } from './describe-fault.ts'
import { listRows } from './list-rows.ts'
import { capability, type ExpectedAnswer, type Row } from './row.ts'
import { storageRows } from './storage-rows.ts'
import { writeRows } from './write-rows.ts'

/**
 * The Volumes API, case by case, at `MOORING_CONFORMANCE_ADDR` (token in `NOMAD_TOKEN`, plugin in
 * `MOORING_CONFORMANCE_PLUGIN`, else the first healthy one), or at a server of our own over the driver.
 */

interface Target {
  readonly address: string
  readonly pluginID: string
  readonly isNomad: boolean
  /** Of our own server: what its OpenAPI document does not describe. */
  describeFault?: DescribeFault
  close(): Promise<void>
}

const prefix = `conf-${process.pid}-`
let target: Target

beforeAll(async () => {
  const address = process.env.MOORING_CONFORMANCE_ADDR
  target = address === undefined ? await startOwn() : await useOther(address)
  if (!target.isNomad) {
    target.describeFault = createDescribeFault((await call('GET', '/v1/openapi.json')).text)
  }
})
afterAll(async () => {
  await removeEverything()
  await target.close()
})

const rows = [...listRows, ...writeRows, ...storageRows]

describe.each([...new Set(rows.map(({ endpoint }) => endpoint))])('%s', (endpoint) => {
  it.each(rows.filter((row) => row.endpoint === endpoint))('$case', async (row: Row) => {
    for (const fields of row.given ?? []) {
      await call('PUT', `/v1/volume/csi/${prefix}${fields.ID}/create`, {
        Volumes: [
          {
            RequestedCapabilities: [capability],
            PluginID: target.pluginID,
            ...fields,
            ID: `${prefix}${fields.ID}`,
            Name: `${prefix}${fields.Name ?? fields.ID}`,
          },
        ],
      }).then(({ status, text }) => expect([status, text]).toEqual([200, expect.anything()]))
    }
    const { method, path, body, headers } = fill(row)
    const answer = await call(method, path, body, headers)
    check(answer, fill(target.isNomad && row.nomad ? row.nomad.answer : row.answer))
  })
})

describe('a difference from Nomad', () => {
  it('is a decision that the documentation has', () => {
    const documentation = readFileSync(new URL('../../docs/volumes-api.md', import.meta.url), 'utf8')
    const decisions = new Set(rows.flatMap(({ nomad }) => (nomad === undefined ? [] : [nomad.decision])))
    for (const decision of decisions) expect(documentation).toContain(`\`${decision}\``)
  })
})

/** Puts this run's prefix and plugin where a row names them. */
function fill<Value>(value: Value): Value {
  const text = JSON.stringify(value).replaceAll('{p}', prefix).replaceAll('{plugin}', target.pluginID)
  return JSON.parse(text)
}

type Answer = Awaited<ReturnType<typeof call>>

function check(answer: Answer, wanted: ExpectedAnswer) {
  expect([answer.status, answer.status === wanted.status ? '' : answer.text]).toEqual([wanted.status, ''])
  if (wanted.text === '') expect(answer.text).toBe('')
  else if (wanted.text !== undefined) expect(answer.text).toContain(wanted.text)
  if (wanted.json !== undefined) expect(parseJSON(answer.text)).toMatchObject(wanted.json as object)
  for (const header of wanted.headers ?? []) expect(answer.headers.get(header)).toEqual(expect.any(String))
  if (answer.status >= 400 && answer.text !== '') {
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8')
  }
}

async function call(
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
) {
  const token = process.env.NOMAD_TOKEN
  const response = await fetch(`${target.address}${path}`, {
    method,
    headers: { ...headers, ...(token !== undefined && { 'x-nomad-token': token }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const answer = { status: response.status, headers: response.headers, text: await response.text() }
  if (!target.isNomad)
    expect([method, path, target.describeFault?.(method, path, answer)]).toEqual([method, path, undefined])
  return answer
}

async function startOwn(): Promise<Target> {
  const directory = mkdtempSync(join(tmpdir(), 'mooring-conf-'))
  const driver = await runDriver(directory)
  const server = await startServer({
    http: { host: '127.0.0.1', port: 0 },
    dataDirectory: join(directory, 'server'),
    plugins: [{ id: 'disk', endpoint: driver.endpoint }],
    log: silentLog,
  })
  return {
    address: server.url,
    pluginID: 'disk',
    isNomad: false,
    async close() {
      await server.close()
      await driver.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

async function useOther(address: string): Promise<Target> {
  const read = async (path: string) => {
    const token = process.env.NOMAD_TOKEN
    const response = await fetch(`${address}${path}`, {
      headers: token === undefined ? {} : { 'x-nomad-token': token },
    })
    return await response.json()
  }
  const self = (await read('/v1/agent/self')) as { config: { Version: { VersionMetadata: string } } }
  const plugins = (await read('/v1/plugins?type=csi')) as { ID: string; ControllersHealthy: number }[]
  const pluginID =
    process.env.MOORING_CONFORMANCE_PLUGIN ??
    plugins.find(({ ControllersHealthy }) => ControllersHealthy > 0)?.ID
  if (pluginID === undefined) throw new Error(`${address} has no healthy plugin with a controller`)
  return {
    address,
    pluginID,
    isNomad: self.config.Version.VersionMetadata !== 'mooring',
    close: async () => {},
  }
}

/** Deletes what this run left at a server that goes on; one of our own goes with its directory. */
async function removeEverything() {
  const list = await call('GET', `/v1/volumes?type=csi&prefix=${prefix}`)
  for (const { ID } of JSON.parse(list.text)) await call('DELETE', `/v1/volume/csi/${ID}/delete`)
}

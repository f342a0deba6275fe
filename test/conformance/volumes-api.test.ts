import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseJSON } from '../../src/lib/json.ts'
import { createDescribeFault, type DescribeFault, type SeenAnswer } from './describe-fault.ts'
import { listRows } from './list-rows.ts'
import { capability, type ExpectedAnswer, type Row } from './row.ts'
import { storageRows } from './storage-rows.ts'
import { startTarget, type Target } from './target.ts'
import { writeRows } from './write-rows.ts'

/**
 * The Volumes API, case by case, at `MOORING_CONFORMANCE_ADDR` (reached as every Nomad tool is told to: `NOMAD_TOKEN`,
 * `NOMAD_CACERT`…; plugin in `MOORING_CONFORMANCE_PLUGIN`, else the first healthy one), or at a server of our own.
 */

const prefix = `conf-${process.pid}-`
let target: Target
/** Of our own server: what its OpenAPI document does not describe. */
let describeFault: DescribeFault | undefined

beforeAll(async () => {
  target = await startTarget(process.env)
  if (!target.isNomad) {
    describeFault = createDescribeFault((await call('GET', '/v1/openapi.json')).text)
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

function check(answer: SeenAnswer, wanted: ExpectedAnswer) {
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
): Promise<SeenAnswer> {
  const answer = await target.call({ method, path, body, headers })
  expect([method, path, describeFault?.(method, path, answer)]).toEqual([method, path, undefined])
  return answer
}

/** Deletes what this run left at a server that goes on; one of our own goes with its directory. */
async function removeEverything() {
  const list = await call('GET', `/v1/volumes?type=csi&prefix=${prefix}`)
  for (const { ID } of JSON.parse(list.text)) await call('DELETE', `/v1/volume/csi/${ID}/delete`)
}

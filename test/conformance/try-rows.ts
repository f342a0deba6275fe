import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseJSON } from '../../src/lib/json.ts'
import type { NomadAnswer } from '../helpers/nomad-caller.ts'
import { createDescribeFault, type DescribeFault } from './describe-fault.ts'
import { hostRows } from './host-rows.ts'
import { listRows } from './list-rows.ts'
import { capability, type ExpectedAnswer, type Row } from './row.ts'
import { storageRows } from './storage-rows.ts'
import type { Target } from './target.ts'
import { writeRows } from './write-rows.ts'

export const rows: readonly Row[] = [...listRows, ...writeRows, ...storageRows, ...hostRows]

/** The Volumes API, case by case, at a server that is started before and closed after them. */
export function tryRows(start: () => Promise<Target>, startMs: number): void {
  const prefix = `conf-${process.pid}-`
  let target: Target
  /** Of our own server: what its OpenAPI document does not describe. */
  let describeFault: DescribeFault | undefined

  beforeAll(async () => {
    target = await start()
    if (!target.isNomad) {
      describeFault = createDescribeFault((await call('GET', '/v1/openapi.json')).text)
    }
  }, startMs)
  afterAll(async () => {
    await removeEverything()
    await target.close()
  }, startMs)

  describe.each([...new Set(rows.map(({ endpoint }) => endpoint))])('%s', (endpoint) => {
    it.each(rows.filter((row) => row.endpoint === endpoint))('$case', async (row: Row) => {
      for (const fields of row.given ?? []) {
        const { status, text } = await call('PUT', `/v1/volume/csi/${prefix}${fields.ID}/create`, {
          Volumes: [
            {
              RequestedCapabilities: [capability],
              PluginID: target.pluginID,
              ...fields,
              ID: `${prefix}${fields.ID}`,
              Name: `${prefix}${fields.Name ?? fields.ID}`,
            },
          ],
        })
        expect([status, text]).toEqual([200, expect.anything()])
      }
      const { method, path, body, headers } = fill(row)
      const answer = await call(method, path, body, headers)
      const followsNomad =
        target.isNomad || (row.nomad?.decision === 'create-again' && target.registersAsNomad)
      check(answer, fill(followsNomad && row.nomad ? row.nomad.answer : row.answer))
    })
  })

  /** Puts this run's prefix and plugin where a row names them. */
  function fill<Value>(value: Value): Value {
    const text = JSON.stringify(value).replaceAll('{p}', prefix).replaceAll('{plugin}', target.pluginID)
    return JSON.parse(text)
  }

  async function call(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<NomadAnswer> {
    const answer = await target.call({ method, path, body, headers })
    expect([method, path, describeFault?.(method, path, answer)]).toEqual([method, path, undefined])
    return answer
  }

  /** Deletes what this run left at a server that goes on; one of our own goes with its directory. */
  async function removeEverything() {
    const list = await call('GET', `/v1/volumes?type=csi&prefix=${prefix}`)
    for (const { ID } of JSON.parse(list.text)) await call('DELETE', `/v1/volume/csi/${ID}/delete`)
  }
}

function check(answer: NomadAnswer, wanted: ExpectedAnswer) {
  expect([answer.status, answer.status === wanted.status ? '' : answer.text]).toEqual([wanted.status, ''])
  if (wanted.text === '') expect(answer.text).toBe('')
  else if (wanted.text !== undefined) expect(answer.text).toContain(wanted.text)
  if (wanted.json !== undefined) expect(parseJSON(answer.text)).toMatchObject(wanted.json as object)
  for (const header of wanted.headers ?? []) expect(answer.headers.get(header)).toEqual(expect.any(String))
  if (answer.status >= 400 && answer.text !== '') {
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8')
  }
}

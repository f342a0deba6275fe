import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseJSON, stringifyJSON } from '../../../src/lib/json.ts'
import { startTestServer, type TestServer, volumeBody } from '../../fakes/api-server.ts'

let server: TestServer
/** More than goes out at once, and longer than several pieces. */
const ids = Array.from({ length: 700 }, (_, at) => `${at % 7 === 0 ? 'ü' : 'v'}-${at}`)
const sorted = ids.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
const list = '/v1/volumes?type=csi'

beforeAll(async () => {
  server = await startTestServer()
  await server.call('PUT', '/v1/namespace/other')
  for (const id of ids) server.plugin.volumes.set(id, { id, name: id, capacityBytes: 1n })
  const Volumes = ids.flatMap((id) => volumeBody(id, { ExternalID: id }).Volumes)
  expect((await server.call('PUT', '/v1/volumes', { Volumes })).status).toBe(200)
  server.plugin.volumes.set('x', { id: 'x', name: 'x', capacityBytes: 1n })
  await server.call('PUT', '/v1/volume/csi/v-1', {
    Volumes: [{ ...volumeBody('v-1', { ExternalID: 'x' }).Volumes[0], Namespace: 'other' }],
  })
})
afterAll(() => server.dispose())

const idsOf = (text: string) => (parseJSON(text) as { ID: string }[]).map(({ ID }) => ID)

describe('a long list', () => {
  it('is the same as all of its pages', async () => {
    const { text, headers } = await server.call('GET', list)
    expect(headers.get('content-type')).toBe('application/json')
    expect(Number(headers.get('x-nomad-index'))).toBeGreaterThan(1)
    expect(idsOf(text)).toEqual(sorted)
    const pages: unknown[] = []
    for (let token: string | null = ''; token !== null; ) {
      const page = await server.call('GET', `${list}&per_page=100&next_token=${token}`)
      pages.push(...page.json)
      token = page.headers.get('x-nomad-nexttoken')
    }
    expect(pages).toEqual(parseJSON(text))
  })

  it('is the same compressed, and indented', async () => {
    const { text } = await server.call('GET', list)
    const plain = { 'accept-encoding': 'identity' }
    for (const coding of ['gzip', 'deflate']) {
      const answer = await server.call('GET', list, undefined, { 'accept-encoding': coding })
      expect(answer.headers.get('content-encoding')).toBe(coding)
      expect(answer.text).toBe(text)
    }
    const pretty = await server.call('GET', `${list}&pretty`, undefined, plain)
    expect(pretty.text).toBe(`${stringifyJSON(parseJSON(text), 4)}\n`)
    const few = await server.call('GET', `${list}&pretty&per_page=2`, undefined, plain)
    expect(few.text).toBe(`${stringifyJSON(few.json, 4)}\n`)
    expect((await server.call('GET', `${list}&pretty&prefix=none`)).text).toBe('[]\n')
  })

  it.each(['v', 'v-1', 'v-69', 'ü-', 'w', ''])(
    'with the prefix "%s" has these in any namespace',
    async (prefix) => {
      const wanted = sorted.filter((id) => id.startsWith(prefix))
      const query = `&prefix=${encodeURIComponent(prefix)}`
      expect(idsOf((await server.call('GET', list + query)).text)).toEqual(wanted)
      const others = 'v-1'.startsWith(prefix) ? ['v-1'] : []
      expect(idsOf((await server.call('GET', `${list}&namespace=*${query}`)).text)).toEqual([
        ...wanted,
        ...others,
      ])
      expect(idsOf((await server.call('GET', `${list}&namespace=other${query}`)).text)).toEqual(others)
    },
  )

  it('shows everything as it was at its index, whatever changes while it is sent', async () => {
    const answer = await fetch(`${server.url}${list}`)
    const index = Number(answer.headers.get('x-nomad-index'))
    // Its head has arrived; what changes now is not in it.
    await server.call('DELETE', '/v1/volume/csi/v-699')
    const volumes = parseJSON(await answer.text()) as { ID: string; ModifyIndex: number }[]
    expect(volumes).toHaveLength(ids.length)
    expect(Math.max(...volumes.map(({ ModifyIndex }) => ModifyIndex))).toBeLessThanOrEqual(index)
  })
})

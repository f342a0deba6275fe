import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseJSON } from '../../src/lib/json.ts'
import { pluginID, startTestServer, type TestServer } from '../fakes/api-server.ts'
import { createNomadCaller, type NomadCaller } from '../helpers/nomad-caller.ts'
import { compare, type Difference, type Side } from './compare.ts'
import { decisionFor, explanations } from './expected.ts'
import { describe as describeOutcome, type Exchange, runDifferential } from './run.ts'

/** One line for each exchange with Nomad 2.0.6-dev, as `npm run test:nomad` records them. */
const lines = readFileSync(new URL('./recorded.ndjson', import.meta.url), 'utf8')
  .trim()
  .split('\n')
const exchanges = lines.map((line) => parseJSON(line) as Exchange & { readonly sequence: number })
const recorded = [...Map.groupBy(exchanges, ({ sequence }) => sequence).values()]

let server: TestServer
let caller: NomadCaller
let ours: Side
beforeAll(async () => {
  server = await startTestServer()
  caller = createNomadCaller({ NOMAD_ADDR: server.url })
  ours = { pluginID, call: caller.call }
})
afterAll(async () => {
  await caller.close()
  await server.dispose()
})

const replay = (sequences: readonly (readonly Exchange[])[]) =>
  runDifferential(
    ours,
    sequences.map((exchanges) => {
      const left = exchanges.values()
      return {
        requests: exchanges.map(({ request }) => request),
        askNomad: async () => left.next().value?.nomad,
      }
    }),
    1,
  )

describe('our server beside the answers of a real Nomad', () => {
  it('differs only where a decision says so', async () => {
    const outcome = await replay(recorded)
    expect(describeOutcome(outcome)).toEqual([])
    expect(outcome.requests).toBeGreaterThan(100)
    expect(outcome.explained.size).toBeGreaterThan(5)
  })

  it('is seen to differ where it does', async () => {
    const request = { method: 'GET', path: '/v1/regions' }
    const nomad = { status: 200, headers: { 'content-type': 'application/json' }, body: ['elsewhere'] }
    const { unexplained } = await replay([[{ request, nomad }]])
    expect(unexplained).toMatchObject([{ place: 'body[0]', ours: 'global', nomad: 'elsewhere' }])
  })
})

describe('a decision that explains differences', () => {
  it('is one of the table that the documentation has', () => {
    const documentation = readFileSync(new URL('../../docs/volumes-api.md', import.meta.url), 'utf8')
    const table = new Set([...documentation.matchAll(/^\| `([\w-]+)` /gm)].map(([, name]) => name))
    table.add('status-codes')
    expect(Object.keys(explanations).filter((name) => !table.has(name))).toEqual([])
  })

  it('explains no other difference of the same request', () => {
    const request = { method: 'PUT', path: '/v1/volume/csi/{p}a/create', body: {} }
    const answer = (status: number, body: unknown) => ({ status, headers: {}, body })
    const only = (our: unknown, their: unknown): readonly (string | undefined)[] =>
      compare(request, answer(200, our), answer(200, their)).map((difference: Difference) =>
        decisionFor(difference),
      )
    expect(only({ Volumes: [{ Name: 'x' }] }, { Volumes: [{ Name: 'y' }] })).toEqual([undefined])
    expect(only({ Volumes: [{ NodesHealthy: 1 }] }, { Volumes: [{ NodesHealthy: 0 }] })).toEqual([
      'define-answer',
    ])
  })
})

import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { stringifyJSON } from '../../src/lib/json.ts'
import { ask } from '../differential/compare.ts'
import { sampleSequences } from '../differential/requests.ts'
import {
  describe as describeOutcome,
  type Exchange,
  removeAll,
  runDifferential,
} from '../differential/run.ts'
import { pluginID as ownPluginID, startTestServer } from '../fakes/api-server.ts'
import { createNomadCaller } from '../helpers/nomad-caller.ts'
import { patienceMs, pluginID, startRealAgent } from './real-agent.ts'

const environment = process.env
const seed = Number(environment.MOORING_SEED ?? Date.now() % 2 ** 31)
const count = Number(environment.MOORING_DIFFERENTIAL_SEQUENCES ?? 30)
/** Two base addresses, ours first, instead of servers that the suite starts. */
const addresses = environment.MOORING_DIFFERENTIAL_ADDRESSES?.split(',')
const plugins = environment.MOORING_DIFFERENTIAL_PLUGINS?.split(',') ?? [ownPluginID, pluginID]
const isPossible = (environment.NOMAD_BIN ?? '') !== '' || addresses !== undefined

async function startBoth(): Promise<readonly string[]> {
  if (addresses !== undefined) return addresses
  const plugin = fileURLToPath(new URL('../differential/plugin-process.ts', import.meta.url))
  const agent = await startRealAgent({
    plugin: { command: process.execPath, args: [plugin] },
    connectionsPerClient: 0,
  })
  onTestFinished(agent.close)
  const server = await startTestServer()
  onTestFinished(server.dispose)
  return [server.url, agent.address]
}

/**
 * The same generated requests to our server and to a real Nomad, over plugins of one kind. With
 * `MOORING_DIFFERENTIAL_RECORD=1` what Nomad answers is kept for `npm test`.
 */
describe.skipIf(!isPossible)(
  isPossible
    ? `our server beside a real Nomad (seed ${seed})`
    : 'our server beside a real Nomad (skipped: NOMAD_BIN not set)',
  { timeout: 2 * patienceMs + count * 10_000 },
  () => {
    it('differs only where a decision says so', async () => {
      const callers = (await startBoth()).map((address) =>
        createNomadCaller({ ...environment, NOMAD_ADDR: address }),
      )
      const [ours, nomad] = callers.map(({ call }, at) => ({ call, pluginID: plugins[at] ?? pluginID }))
      if (ours === undefined || nomad === undefined) throw new Error('two addresses are needed')
      const recorded: Exchange[][] = []
      const sequences = sampleSequences(count, seed).map((requests) => {
        const exchanges: Exchange[] = []
        recorded.push(exchanges)
        return {
          requests,
          async askNomad(request: (typeof requests)[number], prefix: string) {
            const answer = await ask(nomad, request, prefix)
            exchanges.push({ request, nomad: answer })
            return answer
          },
          async end(prefix: string) {
            for (const side of [ours, nomad]) await removeAll(side, prefix)
          },
        }
      })
      const outcome = await runDifferential(ours, sequences, seed)
      for (const caller of callers) await caller.close()
      if (environment.MOORING_DIFFERENTIAL_RECORD === '1') {
        const lines = recorded.flatMap((exchanges, sequence) =>
          exchanges.map((exchange) => `${stringifyJSON({ sequence, ...exchange })}\n`),
        )
        writeFileSync(new URL('../differential/recorded.ndjson', import.meta.url), lines.join(''))
      }
      process.stdout.write(
        `${outcome.requests} requests; ${JSON.stringify(Object.fromEntries(outcome.explained))}\n`,
      )
      expect(describeOutcome(outcome)).toEqual([])
    })
  },
)

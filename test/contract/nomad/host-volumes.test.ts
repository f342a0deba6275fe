import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe } from 'vitest'
import { systemClock } from '../../../src/lib/clock.ts'
import { silentLog } from '../../../src/lib/log.ts'
import { createNomadClient } from '../../../src/nomad/client.ts'
import { createObserver } from '../../../src/nomad/observer.ts'
import { startServer } from '../../../src/server/server.ts'
import { createNomadWorld } from '../../fakes/nomad-world.ts'
import { type HostVolumesUnderTest, tryHostContract } from './host-rows.ts'

describe('host volumes of the world of the model tests', () =>
  tryHostContract(async () => {
    const { api, observer } = createNomadWorld({ now: () => 0, callDeadlineMs: 120_000 })
    return { api, observer, nodeID: 'n1', folder: '/srv', close: async () => {} }
  }))

describe('host volumes of mooring server', () => tryHostContract(startOwnServer))

async function startOwnServer(): Promise<HostVolumesUnderTest> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'mooring-')))
  const server = await startServer({
    http: { host: '127.0.0.1', port: 0 },
    dataDirectory: join(folder, 'server'),
    plugins: [],
    log: silentLog,
  })
  const client = createNomadClient({ address: server.url })
  const observer = createObserver({ client, clock: systemClock, random: Math.random, log: silentLog })
  const [node] = (await observer.nodesOf('all')).keys()
  return {
    api: client,
    observer,
    nodeID: node ?? '',
    folder,
    async close() {
      await observer.close()
      await client.close()
      await server.close()
      rmSync(folder, { recursive: true })
    },
  }
}

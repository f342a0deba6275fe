import { once } from 'node:events'
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../../src/lib/clock.ts'
import { silentLog } from '../../../src/lib/log.ts'
import { createNomadClient } from '../../../src/nomad/client.ts'
import { createObserver } from '../../../src/nomad/observer.ts'
import type { CSIVolumesApi } from '../../../src/nomad/ports.ts'
import type { Registration } from '../../../src/server/context.ts'
import { startServer } from '../../../src/server/server.ts'
import { eventually } from '../../helpers/eventually.ts'
import { runDriver } from '../../support/driver.ts'
import { type FreshReads, type Lacks, type NomadUnderTest, patienceMs } from './under-test.ts'

/** The client of Mooring at the address, and requests of it that are lost. */
export async function clientOf(address: string, pluginID: string) {
  const client = createNomadClient({ address })
  const losing = await startLosingProxy(address)
  const lossy = createNomadClient({ address: losing.address })
  // Nobody listens there.
  const nowhere = createNomadClient({ address: 'http://127.0.0.1:1' })
  let next: CSIVolumesApi = client
  const turn = <Name extends keyof CSIVolumesApi>(name: Name) =>
    ((...parameters: unknown[]) => {
      const chosen = next
      next = client
      return Reflect.apply(chosen[name], chosen, parameters)
    }) as CSIVolumesApi[Name] // It takes and gives what the client does.
  const reads: FreshReads = {
    volume: client.readVolume,
    list: async (namespace) => (await client.listVolumes(namespace)).items,
    plugin: client.readPlugin,
    externalVolumes: () => client.listExternalVolumes(pluginID),
    snapshots: () => client.listSnapshots(pluginID),
    allocations: client.listAllocations,
    namespaceExists: client.namespaceExists,
    changeAfter: async (index, waitMs) => (await client.listVolumes('default', { index, waitMs })).index,
  }
  return {
    reads,
    api: {
      createVolume: turn('createVolume'),
      registerVolume: turn('registerVolume'),
      deregisterVolume: turn('deregisterVolume'),
      deleteVolume: turn('deleteVolume'),
      detachVolume: turn('detachVolume'),
      createSnapshot: turn('createSnapshot'),
      deleteSnapshot: turn('deleteSnapshot'),
    },
    observe: () => createObserver({ client, clock: systemClock, random: Math.random, log: silentLog }),
    loseNextAnswer() {
      next = lossy
    },
    cutNextRequest() {
      next = nowhere
    },
    async addNamespace(Name: string) {
      const answer = await fetch(`${address}/v1/namespace/${Name}`, {
        method: 'PUT',
        body: JSON.stringify({ Name }),
      })
      if (!answer.ok) throw new Error(`namespace ${Name}: ${await answer.text()}`)
    },
    /** Resolves once the plugin is so, as the server shows it. */
    pluginIs: (isHealthy: boolean) =>
      eventually(async () => {
        const plugin = await reads.plugin(pluginID)
        if ((plugin?.ControllersHealthy ?? 0) > 0 !== isHealthy) throw new Error('the plugin is not so')
      }, patienceMs),
    async close() {
      await Promise.all([client.close(), lossy.close(), nowhere.close()])
      losing.close()
    },
  }
}

/** Passes each request on, and cuts both sides before an answer comes: the client is gone while its call runs. */
async function startLosingProxy(address: string) {
  const { hostname, port } = new URL(address)
  const server = createServer((inward) => {
    const outward = connect(Number(port), hostname)
    // Each of them ends with a reset.
    inward.on('error', () => {})
    outward.on('error', () => {})
    inward.on('data', (bytes) => {
      outward.write(bytes, () => {
        inward.destroy()
        outward.destroy()
      })
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const place = server.address()
  if (place === null || typeof place === 'string') throw new Error('the proxy has no port')
  return { address: `http://127.0.0.1:${place.port}`, close: () => server.close() }
}

export const serverLacks: Lacks = process.getuid?.() === 0 ? {} : { claims: 'only root may mount' }

/** `mooring server` over the driver of this package, both on real sockets. */
export async function startOwnServer(registration: Registration): Promise<NomadUnderTest> {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'mooring-contract-')))
  const mountRoot = join(directory, 'mounts')
  let driver = await runDriver(directory)
  const server = await startServer({
    http: { host: '127.0.0.1', port: 0 },
    dataDirectory: join(directory, 'server'),
    plugins: [{ id: 'disk', endpoint: driver.endpoint }],
    registration,
    mountRoot,
    probeIntervalMs: 100,
    log: silentLog,
  })
  const { url } = server
  const { pluginIs, ...common } = await clientOf(url, 'disk')
  return {
    ...common,
    pluginID: 'disk',
    habits: {
      refusesEqualDefinitions: registration === 'page',
      detachIsBroken: false,
      refusesDetachOfLiving: true,
      deletesBeforeItChecks: false,
      checksNamespaceFirst: true,
      validatesRegister: true,
      asksForNoID: false,
      guardsSharedVolumes: true,
    },
    async claim(volumeID) {
      const path = `${url}/v1/volume/csi/${volumeID}/claim`
      const body = JSON.stringify({ TargetPath: join(mountRoot, volumeID) })
      const answer = await fetch(path, { method: 'PUT', body })
      if (!answer.ok) throw new Error(await answer.text())
      const { ID, NodeID } = (await answer.json()) as { ID: string; NodeID: string }
      return {
        nodeID: NodeID,
        async end() {
          const ended = await fetch(`${path}/${ID}`, { method: 'DELETE' })
          if (!ended.ok) throw new Error(await ended.text())
        },
      }
    },
    async takePluginAway() {
      await driver.close()
      await pluginIs(false)
      return async () => {
        driver = await runDriver(directory)
        await pluginIs(true)
      }
    },
    async close() {
      await common.close()
      await server.close()
      await driver.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

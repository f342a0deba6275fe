import type { Volume } from '../../../src/wire/volume.ts'
import { nomadPlugin, nomadVolume } from '../../builders/observed.ts'
import { startFakeNomad } from '../../fakes/fake-nomad.ts'
import { createNomadWorld } from '../../fakes/nomad-world.ts'
import { createScheduler, type Owner } from '../../simulator/scheduler.ts'
import { createHistory } from '../../simulator/world/history.ts'
import { createNetwork } from '../../simulator/world/network.ts'
import { createNomad, pluginID } from '../../simulator/world/nomad.ts'
import { createSimulatedClient } from '../../simulator/world/nomad-client.ts'
import { createPlugin } from '../../simulator/world/plugin.ts'
import { clientOf } from './server.ts'
import type { Habits, Lacks, NomadUnderTest } from './under-test.ts'

/** What both doubles do as Nomad does. */
const asNomad: Habits = {
  refusesEqualDefinitions: false,
  detachIsBroken: false,
  refusesDetachOfLiving: true,
  deletesBeforeItChecks: true,
  checksNamespaceFirst: false,
  validatesRegister: true,
  asksForNoID: true,
  guardsSharedVolumes: false,
}
const namespaces = 'it has one namespace, which is always there'
export const modelLacks: Lacks = {
  namespaces,
  blocking: 'nothing waits in it',
  watching: 'nothing waits in it',
}
export const simulatedLacks: Lacks = { namespaces, watching: 'its time is driven by hand' }

/** The world of the operator's model tests. */
export async function startModelWorld(): Promise<NomadUnderTest> {
  let nowMs = 1_700_000_000_000
  const world = createNomadWorld({ now: () => nowMs, callDeadlineMs: 120_000 })
  const { api, observer, people, conditions } = world
  return {
    pluginID: 'directories',
    api,
    reads: {
      volume(namespace, volumeID) {
        // Two minutes later all calls have ended, whoever still waits.
        nowMs += 120_000
        world.settle()
        return observer.volume(namespace, volumeID)
      },
      list: observer.volumeStubs,
      plugin: observer.plugin,
      externalVolumes: () => observer.externalVolumes('directories'),
      snapshots: () => observer.snapshots('directories'),
      allocations: observer.allocations,
      namespaceExists: observer.namespaceExists,
    },
    habits: asNomad,
    async claim(volumeID) {
      people.claim(volumeID, 'n1')
      return {
        nodeID: 'n1',
        async end() {
          people.endAllocation(volumeID)
          people.reap(volumeID)
        },
      }
    },
    async addNamespace() {},
    loseNextAnswer: () => world.failNext('late'),
    cutNextRequest: () => world.failNext('unreachable'),
    async takePluginAway() {
      conditions.isPluginAway = true
      return async () => {
        conditions.isPluginAway = false
      }
    },
    async close() {},
  }
}

/** The world of the simulator, as one process sees it over its network. */
export async function startSimulatedWorld(): Promise<NomadUnderTest> {
  const scheduler = createScheduler(0)
  const nowMs = () => scheduler.nowMs
  const history = createHistory(nowMs)
  const network = createNetwork(scheduler, () => 0.5)
  const calm = network.weather
  const plugin = createPlugin({
    nowMs,
    history,
    habits: {
      roundsUpTo: 1,
      listsVolumes: true,
      listsSnapshots: true,
      listLagMs: 0,
      snapshotReadyMs: 0,
      snapshotsNeedTheirDisk: false,
    },
  })
  const nomad = createNomad({ nowMs, plugin, history })
  const owner: Owner = { name: 'contract', isAlive: true }
  const client = createSimulatedClient(owner, { scheduler, network, nomad, plugin, history })

  /** Lets the world go on until the call has ended. */
  async function drive<T>(call: Promise<T>): Promise<T> {
    let isOver = false
    const over = () => {
      isOver = true
    }
    call.then(over, over)
    while (!isOver) await scheduler.runUntil(scheduler.nowMs + 1000)
    return call
  }
  const driven = <Call extends (...parameters: never[]) => Promise<unknown>>(call: Call) =>
    ((...parameters) => drive(call(...parameters))) as Call // The same call, which the world goes on for.

  return {
    pluginID,
    api: {
      createVolume: driven(client.createVolume),
      registerVolume: driven(client.registerVolume),
      deregisterVolume: driven(client.deregisterVolume),
      deleteVolume: driven(client.deleteVolume),
      detachVolume: driven(client.detachVolume),
      createSnapshot: driven(client.createSnapshot),
      deleteSnapshot: driven(client.deleteSnapshot),
    },
    reads: {
      async volume(namespace, volumeID) {
        network.weather = calm
        await scheduler.runUntil(scheduler.nowMs + 120_000)
        return drive(client.readVolume(namespace, volumeID))
      },
      list: async (namespace) => (await drive(client.listVolumes(namespace))).items,
      plugin: driven(client.readPlugin),
      externalVolumes: () => drive(client.listExternalVolumes(pluginID)),
      snapshots: () => drive(client.listSnapshots(pluginID)),
      allocations: driven(client.listAllocations),
      namespaceExists: driven(client.namespaceExists),
      changeAfter: async (index, waitMs) =>
        (await drive(client.listVolumes('default', { index, waitMs }))).index,
    },
    habits: asNomad,
    async claim(volumeID) {
      nomad.workloads.claim(`default/${volumeID}`, 'n1')
      return { nodeID: 'n1', end: async () => nomad.workloads.stop(`default/${volumeID}`) }
    },
    async addNamespace() {},
    loseNextAnswer() {
      network.weather = { ...calm, late: 1 }
    },
    cutNextRequest() {
      network.weather = { ...calm, unreachable: 1 }
    },
    async takePluginAway() {
      nomad.setPluginAway(true)
      return async () => nomad.setPluginAway(false)
    },
    async close() {},
  }
}

/** The reading half of Nomad's API on a real socket, which tests of the observer fill. Only the reads are its contract. */
export async function startReadingDouble(): Promise<NomadUnderTest> {
  const fake = await startFakeNomad()
  const id = 'directories'
  fake.putPlugin(nomadPlugin(id))
  const { pluginIs: _, close, ...common } = await clientOf(fake.address, id)
  const stored = new Map<string, Volume>()
  const put = (volume: Volume) => {
    stored.set(volume.ID, volume)
    fake.putVolume(volume)
  }
  return {
    ...common,
    pluginID: id,
    api: {
      ...common.api,
      async createVolume({ Secrets: _secrets, ...request }) {
        if (request.Name !== (stored.get(request.ID)?.Name ?? request.Name)) throw new Error('another name')
        put(nomadVolume(request.ID, { ...request, Name: request.Name ?? '' }))
      },
      async deleteVolume(namespace, volumeID) {
        stored.delete(volumeID)
        fake.removeVolume(namespace, volumeID)
      },
    },
    habits: asNomad,
    claim: () => Promise.reject(new Error('nothing is claimed there')),
    takePluginAway: () => Promise.reject(new Error('its plugin stays')),
    async close() {
      await close()
      await fake.close()
    },
  }
}

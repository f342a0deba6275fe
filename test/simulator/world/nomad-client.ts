import type { DirectPlugins } from '../../../src/csi/direct-plugins.ts'
import type { EventReads } from '../../../src/nomad/events.ts'
import type { HostVolumeReads } from '../../../src/nomad/host-volumes.ts'
import type { BlockingQuery } from '../../../src/nomad/http.ts'
import type { VolumesApi } from '../../../src/nomad/ports.ts'
import type { Indexed, VolumeReads } from '../../../src/nomad/reads.ts'
import { anExternalVolume, aPluginStub, aVolumeStub } from '../../builders/nomad.ts'
import type { Owner, Scheduler } from '../scheduler.ts'
import type { History } from './history.ts'
import type { Call, Network } from './network.ts'
import { pluginID, type SimulatedNomad } from './nomad.ts'
import type { SimulatedPlugin } from './plugin.ts'

export interface Outside {
  readonly scheduler: Scheduler
  readonly network: Network
  readonly nomad: SimulatedNomad
  readonly plugin: SimulatedPlugin
  readonly history: History
}

export type SimulatedClient = VolumesApi & VolumeReads & HostVolumeReads & EventReads

/** So few that lists have several pages, between which things happen. A server may give fewer than it is asked for. */
const volumesPerPage = 3

/** The client of Nomad's API as one process has it. */
export function createSimulatedClient(owner: Owner, outside: Outside): SimulatedClient {
  const { scheduler, network, nomad, history } = outside

  const read = <Result>(title: string, about: string, signal: AbortSignal | undefined, work: () => Result) =>
    network.call(owner, { title, about, type: 'read', signal, work })

  async function write<Result>(call: Call<Result>): Promise<Result> {
    const { title, about, work } = call
    history.record({ type: 'effect sent', call: title, about, by: owner.name })
    return network.call(owner, {
      ...call,
      onLate: () => history.record({ type: 'effect under way', call: title, about }),
      work() {
        const before = nomad.indexOf('volumes')
        let answer: Result
        try {
          answer = work()
        } catch (error) {
          history.record({ type: 'effect refused', call: title, about })
          throw error
        }
        const isChange = nomad.indexOf('volumes') !== before
        history.record({ type: 'effect carried out', call: title, about, isChange })
        return answer
      },
    })
  }

  /** Answers at once, or when the index has moved beyond the one of the query, or when its time is over. */
  function list<Item>(
    what: 'volumes' | 'plugins',
    about: string,
    query: BlockingQuery | undefined,
    signal: AbortSignal | undefined,
    items: () => readonly Item[],
  ): Promise<Indexed<Item>> {
    const title = `list ${what}`
    const answer = () => read(title, about, signal, () => ({ items: items(), index: nomad.indexOf(what) }))
    const blocks = () => query !== undefined && query.index > 0n && query.index === nomad.indexOf(what)
    if (!blocks()) return answer()
    return new Promise((resolve) => {
      let isOver = false
      const end = () => {
        if (isOver) return
        isOver = true
        stopListening()
        cancel()
        signal?.removeEventListener('abort', end)
        resolve(answer())
      }
      const stopListening = nomad.onChange(() => {
        if (!owner.isAlive) return stopListening()
        if (blocks() || network.meets(network.weather.lostNotices, `${title} hears nothing`)) return
        stopListening()
        scheduler.after(owner, network.latencyMs(`notice of ${what}`), `notice of ${what}`, end)
      })
      const cancel = scheduler.after(owner, query?.waitMs ?? 0, `${title} expires`, end)
      signal?.addEventListener('abort', end)
    })
  }

  return {
    createVolume: (request, signal) =>
      write({
        title: 'create volume',
        about: `${request.Namespace}/${request.ID}`,
        type: 'create volume',
        signal,
        work: () => nomad.create(request),
      }),
    registerVolume: (request, signal) =>
      write({
        title: 'register volume',
        about: `${request.Namespace}/${request.ID}`,
        type: 'write',
        signal,
        work: () => nomad.register(request),
      }),
    deregisterVolume: (namespace, volumeID, signal) =>
      write({
        title: 'deregister volume',
        about: `${namespace}/${volumeID}`,
        type: 'write',
        signal,
        work: () => nomad.deregister(namespace, volumeID),
      }),
    deleteVolume: (namespace, volumeID, _secrets, signal) =>
      write({
        title: 'delete volume',
        about: `${namespace}/${volumeID}`,
        type: 'delete volume',
        signal,
        work: () => nomad.delete(namespace, volumeID),
      }),
    detachVolume: (namespace, volumeID, nodeID, signal) =>
      write({
        title: 'detach volume',
        about: `${namespace}/${volumeID}`,
        type: 'write',
        signal,
        work: () => nomad.detach(namespace, volumeID, nodeID),
      }),
    createSnapshot: (namespace, request, signal) =>
      write({
        title: 'create snapshot',
        about: request.Name,
        type: 'write',
        signal,
        work: () => nomad.createSnapshot(namespace, request),
      }),
    deleteSnapshot: (_pluginID, snapshotID, _secrets, signal) =>
      write({
        title: 'delete snapshot',
        about: snapshotID,
        type: 'delete snapshot',
        signal,
        work: () => nomad.deleteSnapshot(snapshotID),
      }),

    createHostVolume: (request, signal) =>
      write({
        title: 'create host volume',
        about: `${request.Namespace}/${request.Name}`,
        type: 'write',
        signal,
        work: () => nomad.hostVolumes.create(request),
      }),
    registerHostVolume: (request, signal) =>
      write({
        title: 'register host volume',
        about: `${request.Namespace}/${request.Name}`,
        type: 'write',
        signal,
        work: () => nomad.hostVolumes.register(request),
      }),
    deleteHostVolume: (namespace, id, signal) =>
      write({
        title: 'delete host volume',
        about: `${namespace}/${id}`,
        type: 'write',
        signal,
        work: () => nomad.hostVolumes.delete(namespace, id),
      }),
    listHostVolumes: (namespace, _query, signal) =>
      read('list host volumes', namespace, signal, () => ({
        items: nomad.hostVolumes.list(namespace),
        index: nomad.hostVolumes.index(),
      })),
    readHostVolume: (namespace, id, signal) =>
      read('read host volume', id, signal, () => nomad.hostVolumes.get(namespace, id)),
    listNodeStubs: (signal) =>
      read('list nodes', '', signal, () =>
        [...nomad.hostVolumes.nodes.values()].map(({ ID, NodePool }) => ({ ID, NodePool, ModifyIndex: 1 })),
      ),
    readNode: (nodeID, signal) =>
      read('read node', nodeID, signal, () => nomad.hostVolumes.nodes.get(nodeID)),
    // No job of a history uses host volumes.
    readAllocation: (_namespace, id, signal) => read('read allocation', id, signal, () => undefined),

    async listVolumes(namespace, query, signal, page) {
      const byID = () =>
        nomad
          .list(namespace)
          .map(aVolumeStub)
          .sort((one, other) => (one.ID < other.ID ? -1 : 1))
      const { items, index } = await list('volumes', namespace, query, signal, byID)
      if (page === undefined) return { items, index }
      const rest = items.filter(({ ID }) => ID >= page.token)
      const next = rest[volumesPerPage]
      return { items: rest.slice(0, volumesPerPage), index, ...(next && { nextToken: next.ID }) }
    },
    listPlugins: (query, signal) => list('plugins', '', query, signal, () => [aPluginStub(nomad.plugin())]),
    readVolume: (namespace, volumeID, signal) =>
      read('read volume', `${namespace}/${volumeID}`, signal, () => nomad.volume(`${namespace}/${volumeID}`)),
    readPlugin: (id, signal) =>
      read('read plugin', id, signal, () => (id === pluginID ? nomad.plugin() : undefined)),
    listExternalVolumes: (id, signal) => read('list disks', id, signal, () => nomad.externalVolumes()),
    findExternalVolume: (_, externalID, signal) =>
      read('find disk', externalID, signal, () => nomad.externalVolumes().get(externalID)),
    listSnapshots: (id, signal) => read('list snapshots', id, signal, () => nomad.snapshots()),
    listAllocations: (namespace, signal) =>
      read('list allocations', namespace, signal, () => nomad.allocations()),
    listNodes: (signal) => read('list nodes', '', signal, () => nomad.nodes()),
    listNamespaces: (signal) => read('list namespaces', '', signal, () => ['default']),
    namespaceExists: (namespace, signal) => read('read namespace', namespace, signal, () => true),
    // Its servers are too old to be asked for events, so that every change has to be found by the lists.
    listServers: (signal) =>
      read('list servers', '', signal, () => ({
        region: 'global',
        servers: [{ region: 'global', version: '1.9.0' }],
      })),
    readEvents: () => new Promise(() => {}),
  }
}

/** The plugin's own socket, where this history has one. */
export function createSimulatedPlugins(owner: Owner, outside: Outside, isReached: boolean): DirectPlugins {
  const { network, nomad, plugin } = outside
  const call = <Result>(title: string, about: string, work: () => Result) =>
    network.call(owner, { title, about, type: 'read', work })
  return {
    async externalVolume(_pluginID, externalID) {
      if (!isReached || nomad.conditions.isPluginAway) return 'unknown'
      return call('get disk', externalID, () => {
        const disk = plugin.disks.get(externalID)
        return disk === undefined
          ? 'unlisted'
          : anExternalVolume(externalID, { CapacityBytes: disk.sizeBytes })
      })
    },
    room: async () => undefined,
    async unpublish({ externalID, externalNodeID }) {
      if (!isReached || nomad.conditions.isPluginAway) return false
      await network.call(owner, {
        title: 'unpublish disk',
        about: externalID,
        type: 'write',
        work: () => nomad.workloads.unpublish(externalID, externalNodeID.replace('external-', '')),
      })
      return true
    },
  }
}

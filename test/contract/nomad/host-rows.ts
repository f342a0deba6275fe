import { afterAll, beforeAll, expect, it } from 'vitest'
import type {
  HostVolumeBody,
  HostVolumesApi,
  HostVolumesObserver,
} from '../../../src/nomad/host-volume-ports.ts'
import { endOf, patienceMs } from './under-test.ts'

/** One implementation of the ports of host volumes. */
export interface HostVolumesUnderTest {
  readonly api: HostVolumesApi
  readonly observer: HostVolumesObserver
  /** A node of the pool `default`, with the plugin `mkdir`. */
  readonly nodeID: string
  /** A folder that is on the node. */
  readonly folder: string
  close(): Promise<void>
}

const gibibyte = 1_073_741_824

const body = (name: string, fields: Partial<HostVolumeBody> = {}): HostVolumeBody => ({
  Namespace: 'default',
  Name: name,
  PluginID: 'mkdir',
  RequestedCapabilities: [{ AccessMode: 'single-node-writer', AttachmentMode: 'file-system' }],
  Parameters: { mode: '0750' },
  ...fields,
})

async function found({ observer }: HostVolumesUnderTest, name: string) {
  observer.invalidateHostVolumes('default')
  return observer.findHostVolumes('default', name)
}

interface HostRow {
  readonly title: string
  readonly run: (host: HostVolumesUnderTest, name: string) => Promise<void>
}

/** What every Nomad and every double of it does with host volumes. */
const hostRows: readonly HostRow[] = [
  {
    title:
      'a create on a node makes a volume there, under an ID of its own, and the list finds it by its name',
    async run(host, name) {
      const { api, observer, nodeID } = host
      const made = await api.createHostVolume(body(name, { NodeID: nodeID }))
      expect(made).toMatchObject({ Name: name, Namespace: 'default', NodeID: nodeID, PluginID: 'mkdir' })
      expect(made.ID).toMatch(/^[0-9a-f-]{36}$/)
      expect(await found(host, name)).toMatchObject([{ ID: made.ID, NodeID: nodeID, NodePool: 'default' }])
      expect(await observer.hostVolume('default', made.ID)).toMatchObject({
        ID: made.ID,
        Parameters: { mode: '0750' },
        RequestedCapabilities: [{ AccessMode: 'single-node-writer', AttachmentMode: 'file-system' }],
      })
    },
  },
  {
    title: 'a second create of the name on the same node is refused for good, and makes nothing',
    async run(host, name) {
      const { api, nodeID } = host
      await api.createHostVolume(body(name, { NodeID: nodeID }))
      expect(await endOf(api.createHostVolume(body(name, { NodeID: nodeID })))).toBe('permanent NameConflict')
      expect(await found(host, name)).toHaveLength(1)
    },
  },
  {
    title: 'a create with the ID of a volume asks for more capacity, and it stays the same volume',
    async run(host, name) {
      const { api, nodeID } = host
      const { ID } = await api.createHostVolume(body(name, { NodeID: nodeID }))
      const capacity = { RequestedCapacityMinBytes: gibibyte, RequestedCapacityMaxBytes: 2 * gibibyte }
      await api.createHostVolume(body(name, { ID, ...capacity }))
      expect(await found(host, name)).toMatchObject([{ ID }])
      const volume = await host.observer.hostVolume('default', ID)
      expect(Number(volume?.RequestedCapacityMinBytes)).toBe(gibibyte)
    },
  },
  {
    title: 'a create on a node that does not meet its constraints makes nothing, and may be tried again',
    async run(host, name) {
      const constraint = { LTarget: `\${attr.kernel.name}`, RTarget: 'plan9', Operand: '=' }
      const request = body(name, { NodeID: host.nodeID, Constraints: [constraint] })
      expect(await endOf(host.api.createHostVolume(request))).toBe('transient NodeNotFeasible')
      expect(await found(host, name)).toEqual([])
    },
  },
  {
    title: 'a create on a node that is not there is refused for good',
    async run(host, name) {
      const NodeID = '11111111-1111-4111-8111-111111111111'
      expect(await endOf(host.api.createHostVolume(body(name, { NodeID })))).toBe('permanent InvalidVolume')
    },
  },
  {
    title: 'a register takes up a folder that is there, and a delete of it leaves the folder',
    async run(host, name) {
      const { api, nodeID, folder } = host
      const { PluginID: _, ...request } = body(name, { NodeID: nodeID, HostPath: folder })
      const { ID } = await api.registerHostVolume(request)
      const volume = await host.observer.hostVolume('default', ID)
      expect(volume).toMatchObject({ HostPath: folder, NodeID: nodeID })
      await api.deleteHostVolume('default', ID)
      expect(await found(host, name)).toEqual([])
    },
  },
  {
    title: 'a volume that is deleted is in no list, and to delete it again is done already',
    async run(host, name) {
      const { api, observer, nodeID } = host
      const { ID } = await api.createHostVolume(body(name, { NodeID: nodeID }))
      await api.deleteHostVolume('default', ID)
      await api.deleteHostVolume('default', ID)
      expect(await found(host, name)).toEqual([])
      expect(await observer.hostVolume('default', ID)).toBeUndefined()
    },
  },
  {
    title: 'the nodes of a pool are there with what constraints look at, and a pool without nodes has none',
    async run({ observer, nodeID }) {
      const node = (await observer.nodesOf('default')).get(nodeID)
      expect(node).toMatchObject({ ID: nodeID, NodePool: 'default', Status: 'ready' })
      expect(node?.Attributes).toMatchObject({
        'kernel.name': 'linux',
        'plugins.host_volume.mkdir.version': expect.stringMatching(/./),
      })
      expect((await observer.nodesOf('all')).has(nodeID)).toBe(true)
      expect((await observer.nodesOf('elsewhere')).size).toBe(0)
    },
  },
  {
    title: 'nobody uses a volume that no allocation asks for',
    async run({ api, observer, nodeID }, name) {
      await api.createHostVolume(body(name, { NodeID: nodeID }))
      expect(await observer.usersOfHostVolume('default', nodeID, name)).toEqual([])
    },
  },
]

/** Tries every sentence on one implementation. */
export function tryHostContract(start: () => Promise<HostVolumesUnderTest>): void {
  let host: HostVolumesUnderTest
  beforeAll(async () => {
    host = await start()
  }, patienceMs)
  afterAll(() => host?.close(), patienceMs)
  for (const [index, { title, run }] of hostRows.entries())
    it(title, () => run(host, `host-${index}`), patienceMs)
}

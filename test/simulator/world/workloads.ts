import type { NodeState } from '../../../src/nomad/ports.ts'
import type { Plugin } from '../../../src/wire/plugin.ts'
import type { AllocationStub } from '../../../src/wire/volume.ts'
import type { History } from './history.ts'
import type { SimulatedPlugin } from './plugin.ts'

/** What Nomad believes of an allocation, and whether it really writes. */
interface Allocation {
  readonly id: string
  readonly at: string
  readonly nodeID: string
  readonly externalID: string
  clientStatus: string
  isWriting: boolean
  /** Nomad has forgotten it. */
  isGone: boolean
}

const nodeIDs = ['n1', 'n2'] as const
export type NodeID = (typeof nodeIDs)[number]

/** The allocations that use volumes, on nodes that come and go: what Nomad believes, and what is true. */
export function createWorkloads(options: {
  plugin: SimulatedPlugin
  history: History
  touch: (at?: string) => void
  externalIDOf: (at: string) => string | undefined
}) {
  const { plugin, history, touch, externalIDOf } = options
  const allocations = new Map<string, Allocation>()
  const nodes = new Map<string, string>(nodeIDs.map((id) => [id, 'ready']))
  /** By allocation; a claim outlives its allocation. */
  const claims = new Map<string, { at: string; nodeID: string; externalID: string }>()
  /** `external volume at node` that the provider has attached. */
  const published = new Set<string>()
  let serial = 0

  const claimsOn = (at: string) => [...claims].flatMap(([id, claim]) => (claim.at === at ? [id] : []))
  const writersOf = (externalID: string) =>
    [...allocations.values()].filter((each) => each.isWriting && each.externalID === externalID)
  const on = (nodeID: string) => [...allocations.values()].filter((each) => each.nodeID === nodeID)

  function free(id: string) {
    const claim = claims.get(id)
    if (claim === undefined) return
    const { externalID, nodeID } = claim
    const isWritten = writersOf(externalID).some((writer) => writer.nodeID === nodeID)
    history.record({ type: 'detached', externalID, nodeID, isWritten })
    claims.delete(id)
    published.delete(`${externalID} at ${nodeID}`)
  }

  const isLiving = (id: string) => ['running', 'pending'].includes(allocations.get(id)?.clientStatus ?? '')

  return {
    claimsOn,
    writersOf,
    /** Nomad's own part after a write of the volume: it takes the servers' word for what is lost. */
    release(at: string) {
      const ended = claimsOn(at).filter(
        (id) => !isLiving(id) && allocations.get(id)?.clientStatus !== 'unknown',
      )
      for (const id of ended) free(id)
      if (ended.length > 0) touch(at)
    },
    livesOn: (at: string, nodeID: string) =>
      claimsOn(at).some((id) => claims.get(id)?.nodeID === nodeID && isLiving(id)),
    detach(at: string, nodeID: string) {
      const held = claimsOn(at).filter((id) => claims.get(id)?.nodeID === nodeID)
      for (const id of held) if (!isLiving(id)) free(id)
      if (held.length > 0) touch(at)
    },
    /** The provider takes the volume off the node, whatever Nomad believes. */
    unpublish(externalID: string, nodeID: string) {
      const isWritten = writersOf(externalID).some((writer) => writer.nodeID === nodeID)
      history.record({ type: 'detached', externalID, nodeID, isWritten })
      published.delete(`${externalID} at ${nodeID}`)
    },
    publishedTo: (externalID: string) =>
      nodeIDs.flatMap((nodeID) =>
        published.has(`${externalID} at ${nodeID}`) ? [`external-${nodeID}`] : [],
      ),
    allocations: (): ReadonlyMap<string, AllocationStub> =>
      new Map(
        [...allocations.values()]
          .filter(({ isGone }) => !isGone)
          .map(({ id, nodeID, clientStatus }) => [
            id,
            { ID: id, NodeID: nodeID, ClientStatus: clientStatus },
          ]),
      ),
    nodes: (): ReadonlyMap<string, NodeState> =>
      new Map([...nodes].map(([id, Status]) => [id, { Status, Drain: false }])),
    pluginNodes: (pluginID: string): Plugin['Nodes'] =>
      Object.fromEntries([...nodes.keys()].map((id) => [id, pluginNode(pluginID, id)])),

    claim(at: string, nodeID: NodeID): boolean {
      const externalID = externalIDOf(at)
      if (externalID === undefined || nodes.get(nodeID) !== 'ready') return false
      if (claimsOn(at).length > 0 || at.includes('mooring-deleting')) return false
      serial += 1
      const id = `alloc-${serial}`
      allocations.set(id, {
        id,
        at,
        nodeID,
        externalID,
        clientStatus: 'running',
        isWriting: true,
        isGone: false,
      })
      claims.set(id, { at, nodeID, externalID })
      published.add(`${externalID} at ${nodeID}`)
      plugin.write(externalID)
      touch(at)
      return true
    },
    /** The allocations of the volume end, their client says so, and Nomad frees their claims. */
    stop(at: string) {
      for (const id of claimsOn(at)) {
        const allocation = allocations.get(id)
        if (allocation?.clientStatus !== 'running' || nodes.get(allocation.nodeID) !== 'ready') continue
        allocation.clientStatus = 'complete'
        allocation.isWriting = false
        free(id)
      }
      touch(at)
    },
    /** They end, and Nomad forgets to free their claims. */
    leave(at: string) {
      for (const id of claimsOn(at)) {
        const allocation = allocations.get(id)
        if (allocation?.clientStatus !== 'running' || nodes.get(allocation.nodeID) !== 'ready') continue
        allocation.clientStatus = 'complete'
        allocation.isWriting = false
      }
      touch(at)
    },
    /** Nomad forgets allocations that do not run, by its own books. */
    collect(at: string) {
      for (const id of claimsOn(at)) {
        const allocation = allocations.get(id)
        if (allocation !== undefined && allocation.clientStatus !== 'running') allocation.isGone = true
      }
    },
    /** `partitioned` goes on writing, `dead` does not. Nomad cannot tell them apart. */
    changeNode(nodeID: NodeID, to: 'partitioned' | 'dead' | 'back') {
      nodes.set(nodeID, to === 'back' ? 'ready' : to === 'dead' ? 'down' : 'disconnected')
      for (const allocation of on(nodeID)) {
        if (to !== 'back' && allocation.clientStatus === 'running')
          allocation.clientStatus = to === 'dead' ? 'lost' : 'unknown'
        // A client that is back stops what it was told to give up, before it is ready.
        if (to !== 'partitioned' && allocation.clientStatus !== 'running') allocation.isWriting = false
      }
      touch()
    },
    isDead: (nodeID: NodeID) => on(nodeID).every(({ isWriting }) => !isWriting),
    /** The disk is gone: whoever wrote to it fails, and Nomad frees what held it. */
    fail(externalID: string) {
      for (const allocation of allocations.values()) {
        if (allocation.externalID !== externalID) continue
        allocation.isWriting = false
        if (allocation.clientStatus === 'running') allocation.clientStatus = 'failed'
        claims.delete(allocation.id)
        touch(allocation.at)
      }
      for (const nodeID of nodeIDs) published.delete(`${externalID} at ${nodeID}`)
    },
    write(at: string) {
      const externalID = externalIDOf(at)
      if (externalID !== undefined && writersOf(externalID).length > 0) plugin.write(externalID)
    },
    /** For the end of a history: nodes are back, and everything that ran has ended. */
    endAll() {
      for (const nodeID of nodeIDs) this.changeNode(nodeID, 'back')
      for (const [id, { at }] of [...claims]) {
        const allocation = allocations.get(id)
        if (allocation !== undefined) {
          allocation.isWriting = false
          allocation.clientStatus = 'complete'
        }
        free(id)
        touch(at)
      }
    },
  }
}

function pluginNode(pluginID: string, id: string) {
  return {
    PluginID: pluginID,
    AllocID: '',
    Healthy: true,
    HealthDescription: 'healthy',
    UpdateTime: '2026-01-01T00:00:00Z',
    Provider: `${pluginID}.csi.example.com`,
    ProviderVersion: '1.0.0',
    RequiresControllerPlugin: true,
    RequiresTopologies: false,
    NodeInfo: {
      ID: `external-${id}`,
      MaxVolumes: 0,
      AccessibleTopology: null,
      RequiresNodeStageVolume: true,
      SupportsStats: false,
      SupportsExpand: false,
      SupportsCondition: false,
    },
  }
}

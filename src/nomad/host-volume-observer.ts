import type { HostVolume, HostVolumeStub } from '../wire/host-volume.ts'
import type { AllocationStub, Int64 } from '../wire/volume.ts'
import { createCachedList } from './cached-list.ts'
import type { HostNode, HostVolumesObserver } from './host-volume-ports.ts'
import { type HostVolumeReads, usesHostVolume } from './host-volumes.ts'
import { createLazyMap } from './lazy-map.ts'
import { type ListWatchOptions, watchEnded } from './list-watch.ts'
import type { VolumeReads } from './reads.ts'
import { watchCollection } from './watched-collection.ts'

export interface HostVolumeObserverOptions
  extends Pick<ListWatchOptions<never>, 'sequence' | 'clock' | 'random' | 'log' | 'pollMs'> {
  readonly client: HostVolumeReads & Pick<VolumeReads, 'listAllocations'>
  /** How long a list of nodes is used. */
  readonly maxAgeMs: number
  readonly signal: AbortSignal
  /** A volume of this name came, went or changed. */
  readonly onChange: (namespace: string, name: string) => void
}

/** Follows dynamic host volumes: a watch for each namespace, from the first read in it. */
export function createHostVolumeObserver(
  options: HostVolumeObserverOptions,
): HostVolumesObserver & { close(): Promise<void> } {
  const { client, clock, maxAgeMs, signal, onChange, ...watching } = options
  const volumesOf = createLazyMap((namespace) => {
    // A volume that is gone is in the list no more, and its name is what people know.
    const names = new Map<string, string>()
    return watchCollection<HostVolumeStub, HostVolume, 'Name'>({
      ...watching,
      clock,
      title: `host volumes in namespace "${namespace}"`,
      list: async (query, cut) => {
        const list = await client.listHostVolumes(namespace, query, cut)
        for (const { ID, Name } of list.items) names.set(ID, Name)
        return list
      },
      keyOf: ({ ID }) => ID,
      fields: ['Name'],
      read: (id) => client.readHostVolume(namespace, id, signal),
      agrees: isSameVersion,
      isSame: isSameVersion,
      onChange(id, stub) {
        const name = stub?.Name ?? names.get(id)
        if (stub === undefined) names.delete(id)
        if (name !== undefined) onChange(namespace, name)
      },
    })
  })
  const known = new Map<string, { readonly version: Int64; readonly node: HostNode }>()
  const nodes = createCachedList({
    async read() {
      const stubs = await client.listNodeStubs(signal)
      const ids = new Set(stubs.map(({ ID }) => ID))
      for (const id of known.keys()) if (!ids.has(id)) known.delete(id)
      return stubs
    },
    maxAgeMs: () => maxAgeMs,
    clock,
  })

  const watched = (namespace: string) => {
    // A new watch would outlive the observer.
    if (signal.aborted) throw watchEnded('host volumes')
    return volumesOf.get(namespace)
  }
  return {
    hostVolumes: async (namespace) => watched(namespace).list(),
    findHostVolumes: async (namespace, name) => watched(namespace).find('Name', name),
    hostVolume: async (namespace, id) => (await watched(namespace).get(id))?.full,
    async nodesOf(pool) {
      const found = new Map<string, HostNode>()
      for (const { ID, NodePool, ModifyIndex } of await nodes.get()) {
        if (pool !== 'all' && NodePool !== pool) continue
        const before = known.get(ID)
        const isSame = before !== undefined && String(before.version) === String(ModifyIndex)
        const node = isSame ? before.node : await client.readNode(ID, signal)
        // It went between the two reads.
        if (node === undefined) continue
        known.set(ID, { version: ModifyIndex, node })
        found.set(ID, node)
      }
      return found
    },
    async usersOfHostVolume(namespace, nodeID, name) {
      const there = [...(await client.listAllocations(namespace, signal)).values()]
      const users: string[] = []
      for (const { ID } of there.filter((stub) => stub.NodeID === nodeID && mayLive(stub))) {
        const allocation = await client.readAllocation(namespace, ID, signal)
        if (allocation !== undefined && usesHostVolume(allocation, name)) users.push(ID)
      }
      return users
    },
    invalidateHostVolumes(namespace) {
      volumesOf.peek(namespace)?.refresh()
      nodes.invalidate()
    },
    async close() {
      await Promise.all([...volumesOf.values()].map((volumes) => volumes.close()))
    },
  }
}

/** Its own client has said that it ended, or else it may be writing. `lost` is the guess of a server. */
function mayLive({ ClientStatus }: AllocationStub): boolean {
  return ClientStatus !== 'complete' && ClientStatus !== 'failed'
}

/** Compares for equality: the index of a restored cluster goes back. */
function isSameVersion(one: { ModifyIndex: Int64 }, other: { ModifyIndex: Int64 }): boolean {
  return String(one.ModifyIndex) === String(other.ModifyIndex)
}

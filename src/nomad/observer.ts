import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Plugin, PluginStub } from '../wire/plugin.ts'
import type { Snapshot } from '../wire/snapshot.ts'
import type { ExternalVolume, Volume, VolumeStub } from '../wire/volume.ts'
import { createCachedList } from './cached-list.ts'
import { watchEvents } from './event-watch.ts'
import type { EventReads, NomadEvent } from './events.ts'
import { createHostVolumeObserver } from './host-volume-observer.ts'
import type { HostVolumeReads } from './host-volumes.ts'
import { createKnownPages } from './known-pages.ts'
import { createLazyMap } from './lazy-map.ts'
import { watchEnded } from './list-watch.ts'
import type { Observer, VolumeField } from './ports.ts'
import type { VolumeReads } from './reads.ts'
import { watchCollection } from './watched-collection.ts'

export interface ObserverOptions {
  readonly client: VolumeReads & EventReads & HostVolumeReads
  readonly clock: Clock
  /** Uniform in [0, 1), for jitter. */
  readonly random: () => number
  readonly log: Log
  /** How often volume and plugin lists are read although nothing seems to change. Default 30 s. */
  readonly pollMs?: number
  /** How long a list of external volumes, snapshots, allocations or nodes is used; one of many volumes longer. Default 30 s. */
  readonly maxAgeMs?: number
  /** The same for a list with a snapshot that is not ready to use. Default 2 s. */
  readonly notReadyMaxAgeMs?: number
}

/**
 * How many volumes a request of a list asks for. Such a page takes some milliseconds to read, and holds up nothing else
 * meanwhile.
 */
const pageSize = 1000

/** By how much longer a list of external volumes is used for each thousand. */
const ageMsPerThousand = 1000

/** How long a namespace is known to exist. One request then serves all creates of a storm. */
const namespaceMaxAgeMs = 2000

/** A volume, a host volume or a plugin came, went or changed. */
export type ObservedChange =
  | { readonly type: 'volume'; readonly namespace: string; readonly volumeID: string }
  | { readonly type: 'plugin'; readonly pluginID: string }
  /** A host volume of this name, on whatever node. */
  | { readonly type: 'host volume'; readonly namespace: string; readonly name: string }
  /** Found where a list of a plugin was read for something else. `isWell`: listed, and not abnormal. */
  | {
      readonly type: 'external volume'
      readonly pluginID: string
      readonly externalID: string
      readonly isWell: boolean
    }

/**
 * The Observer over Nomad's API. One blocking query for plugins, from the start, and one for each namespace, from the
 * first read of a volume in it, find what changes, and only that is read again. Nomad's events, where they are safe,
 * cause some lists to be read sooner. A read without an answer rejects with an OperationError; it never returns an empty
 * list instead. `invalidate` of a plugin drops its lists of external volumes and snapshots, which Mooring's writes
 * change; the plugin itself is watched.
 */
export interface NomadObserver extends Observer {
  /** The first list is no change. Listeners must return at once. Returns the function that ends it. */
  onChange(listener: (change: ObservedChange) => void): () => void
  /** Ends all watches and requests. Later reads reject. The client stays open. */
  close(): Promise<void>
}

export function createObserver(options: ObserverOptions): NomadObserver {
  const { client, clock, random, log, pollMs = 30_000, maxAgeMs = 30_000, notReadyMaxAgeMs = 2000 } = options
  const closing = new AbortController()
  const { signal } = closing
  const listeners = new Set<(change: ObservedChange) => void>()
  let place = 0
  const watching = { sequence: () => ++place, clock, random, log, pollMs }

  function tell(change: ObservedChange) {
    for (const listener of listeners) listener(change)
  }

  const lastLists = new Map<string, ReadonlyMap<string, ExternalVolume>>()

  /** Tells of external volumes that went, came back or changed their condition since the list was read last. */
  function tellExternal(pluginID: string, list: ReadonlyMap<string, ExternalVolume>) {
    const before = lastLists.get(pluginID)
    lastLists.set(pluginID, list)
    if (before === undefined) return
    const isWell = (volume: ExternalVolume | undefined) => volume !== undefined && !volume.IsAbnormal
    for (const [externalID, volume] of list) {
      const now = isWell(volume)
      if (now !== isWell(before.get(externalID)))
        tell({ type: 'external volume', pluginID, externalID, isWell: now })
    }
    for (const [externalID, volume] of before) {
      if (!list.has(externalID) && isWell(volume))
        tell({ type: 'external volume', pluginID, externalID, isWell: false })
    }
  }

  const volumesOf = createLazyMap((namespace) => {
    const pages = createKnownPages<VolumeStub>()
    return watchCollection<VolumeStub, Volume, VolumeField>({
      ...watching,
      title: `volumes in namespace "${namespace}"`,
      list: (query, cut, token) =>
        pages.read(token, (before) =>
          client.listVolumes(namespace, query, cut, { token, size: pageSize, before }),
        ),
      keyOf: (stub) => stub.ID,
      fields: ['ExternalID', 'Name'],
      read: (volumeID) => client.readVolume(namespace, volumeID, signal),
      agrees: isSameVersion,
      isSame: (before, after) => isSameVersion(before, after) && isSameHealth(before, after),
      onChange(volumeID) {
        // Claims come and go with allocations, so the next look at this volume needs new allocations too.
        allocationsOf.peek(namespace)?.invalidate()
        tell({ type: 'volume', namespace, volumeID })
      },
    })
  })
  const plugins = watchCollection<PluginStub, Plugin, never>({
    ...watching,
    title: 'plugins',
    list: (query, cut) => client.listPlugins(query, cut),
    keyOf: (stub) => stub.ID,
    fields: [],
    read: (pluginID) => client.readPlugin(pluginID, signal),
    // Nomad lowers the counts of healthy instances without a new version.
    agrees: isSamePlugin,
    isSame: isSamePlugin,
    onChange(pluginID) {
      // Volumes show the health of their plugin, and their own query does not wake for it.
      for (const volumes of volumesOf.values()) {
        const isShown = Iterator.from(volumes.stubs()).some((stub) => stub.PluginID === pluginID)
        if (isShown) volumes.refresh()
      }
      tell({ type: 'plugin', pluginID })
    },
  })
  const externalVolumesOf = createLazyMap((pluginID) =>
    createCachedList({
      async read() {
        const list = await client.listExternalVolumes(pluginID, signal)
        tellExternal(pluginID, list)
        return list
      },
      // The longer the list, the longer it is used: a resync of all its volumes then reads it once.
      maxAgeMs: (list) => maxAgeMs + Math.floor(list.size / 1000) * ageMsPerThousand,
      clock,
    }),
  )
  const snapshotsOf = createLazyMap((pluginID) =>
    createCachedList({
      read: () => client.listSnapshots(pluginID, signal),
      maxAgeMs: (list) => (areAllReady(list) ? maxAgeMs : notReadyMaxAgeMs),
      clock,
    }),
  )

  const allocationsOf = createLazyMap((namespace) =>
    createCachedList({
      read: () => client.listAllocations(namespace, signal),
      maxAgeMs: () => maxAgeMs,
      clock,
    }),
  )
  const namespaces = createLazyMap((namespace) =>
    createCachedList({
      read: () => client.namespaceExists(namespace, signal),
      maxAgeMs: (exists) => (exists ? namespaceMaxAgeMs : 0),
      clock,
    }),
  )
  const nodes = createCachedList({ read: () => client.listNodes(signal), maxAgeMs: () => maxAgeMs, clock })

  const { close: closeHostVolumes, ...hostVolumes } = createHostVolumeObserver({
    ...watching,
    client,
    maxAgeMs,
    signal,
    onChange: (namespace, name) => tell({ type: 'host volume', namespace, name }),
  })

  /** An event says that something changed. Only a read shows what. */
  function onEvent({ topic, namespace, key, index }: NomadEvent) {
    if (topic === 'CSIPlugin') plugins.hint()
    else volumesOf.peek(namespace)?.hintAt(key, ({ ModifyIndex }) => BigInt(ModifyIndex) === index)
  }
  const events = watchEvents({ client, onEvent, clock, random, log, signal })

  return {
    ...hostVolumes,
    async volume(namespace, volumeID) {
      // A new watch would outlive the observer.
      if (signal.aborted) throw watchEnded('volumes')
      const found = await volumesOf.get(namespace).get(volumeID)
      return found?.stub ? { ...found.full, ...healthOf(found.stub) } : found?.full
    },
    async volumeStubs(namespace) {
      if (signal.aborted) throw watchEnded('volumes')
      return volumesOf.get(namespace).list()
    },
    async findVolumeStubs(namespace, field, value) {
      if (signal.aborted) throw watchEnded('volumes')
      return volumesOf.get(namespace).find(field, value)
    },
    namespaceExists: (namespace) => namespaces.get(namespace).get(),
    plugin: async (pluginID) => (await plugins.get(pluginID))?.full,
    externalVolumes: (pluginID) => externalVolumesOf.get(pluginID).get(),
    findExternalVolume: async (pluginID, externalID) =>
      // A token that the plugin no longer takes is no failure: the whole list is read then.
      await client.findExternalVolume?.(pluginID, externalID, signal).catch(() => undefined),
    recentExternalVolumes: (pluginID) => externalVolumesOf.get(pluginID).recent(),
    snapshots: (pluginID) => snapshotsOf.get(pluginID).get(),
    allocations: (namespace) => allocationsOf.get(namespace).get(),
    nodes: nodes.get,
    invalidate({ volume, pluginID, allocationsIn, nodes: areNodesMeant }) {
      // The first read of anything goes to Nomad, so what was never read needs nothing.
      if (volume) volumesOf.peek(volume.namespace)?.invalidate(volume.volumeID)
      if (allocationsIn !== undefined) allocationsOf.peek(allocationsIn)?.invalidate()
      if (areNodesMeant) nodes.invalidate()
      if (pluginID === undefined) return
      externalVolumesOf.peek(pluginID)?.invalidate()
      snapshotsOf.peek(pluginID)?.invalidate()
    },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async close() {
      closing.abort()
      const collections = [plugins, ...volumesOf.values()]
      await Promise.all([events, closeHostVolumes(), ...collections.map((collection) => collection.close())])
    },
  }
}

type Versioned = Pick<VolumeStub, 'ModifyIndex'>

/** Compares for equality: the index of a restored cluster goes back. */
function isSameVersion(one: Versioned, other: Versioned): boolean {
  // Most are equal numbers. A large one may be a number here and a bigint there.
  return one.ModifyIndex === other.ModifyIndex || BigInt(one.ModifyIndex) === BigInt(other.ModifyIndex)
}

type Health = Pick<
  VolumeStub,
  'ControllerRequired' | 'ControllersHealthy' | 'ControllersExpected' | 'NodesHealthy' | 'NodesExpected'
>

function isSameHealth<Stub extends Health & { Schedulable?: boolean }>(one: Stub, other: Stub): boolean {
  return (
    one.Schedulable === other.Schedulable &&
    one.ControllerRequired === other.ControllerRequired &&
    one.ControllersHealthy === other.ControllersHealthy &&
    one.ControllersExpected === other.ControllersExpected &&
    one.NodesHealthy === other.NodesHealthy &&
    one.NodesExpected === other.NodesExpected
  )
}

function isSamePlugin(one: PluginStub, other: PluginStub): boolean {
  return isSameVersion(one, other) && isSameHealth(one, other) && one.Provider === other.Provider
}

/** The fields of a volume that show its plugin's health. They change without a new version of the volume. */
function healthOf(stub: VolumeStub): Health & Pick<VolumeStub, 'Schedulable'> {
  const { Schedulable, ControllerRequired, ControllersHealthy, ControllersExpected } = stub
  const { NodesHealthy, NodesExpected } = stub
  return {
    Schedulable,
    ControllerRequired,
    ControllersHealthy,
    ControllersExpected,
    NodesHealthy,
    NodesExpected,
  }
}

function areAllReady(snapshots: ReadonlyMap<string, Snapshot>): boolean {
  return snapshots.values().every((snapshot) => snapshot.IsReady)
}

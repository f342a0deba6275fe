import { OperationError } from '../../../src/lib/errors.ts'
import type { NodeState } from '../../../src/nomad/ports.ts'
import type { Plugin } from '../../../src/wire/plugin.ts'
import type { Snapshot, SnapshotRequest } from '../../../src/wire/snapshot.ts'
import type { AllocationStub, ExternalVolume, Volume, VolumeRequest } from '../../../src/wire/volume.ts'
import { anExternalVolume, aSnapshot } from '../../builders/nomad.ts'
import { nomadPlugin, nomadVolume } from '../../builders/observed.ts'
import { createHostVolumes } from '../../fakes/host-volumes.ts'
import type { Actor, History } from './history.ts'
import { answered, type SimulatedPlugin } from './plugin.ts'
import { createWorkloads } from './workloads.ts'

type Request = VolumeRequest & { readonly Namespace: string }

/** What Nomad holds of a volume and never shows. */
interface Hidden {
  readonly secrets: Readonly<Record<string, string>>
  readonly mountFlags: readonly string[]
}

export const pluginID = 'directories'

/**
 * Nomad's part of the world, after the reference: create on an existing volume updates and expands it, an update
 * replaces secrets and mount flags by what the body has, Delete calls the plugin before it looks for claims. Each
 * operation happens at one moment; what lies between a request and its answer is the business of the port.
 */
export function createNomad(options: { nowMs: () => number; plugin: SimulatedPlugin; history: History }) {
  const { nowMs, plugin, history } = options
  const volumes = new Map<string, Volume>()
  const hidden = new Map<string, Hidden>()
  const conditions = { isPluginAway: false, isDetachBroken: false, losesLeader: (_at: string) => false }
  const listeners = new Set<() => void>()
  let index = 10
  /** The index of the last change of any volume, and of the plugin. */
  let volumesIndex = index
  let pluginsIndex = index

  function touch(at?: string) {
    index += 1
    volumesIndex = index
    const volume = at === undefined ? undefined : volumes.get(at)
    if (at !== undefined && volume !== undefined) volumes.set(at, { ...volume, ModifyIndex: index })
    for (const listener of [...listeners]) listener()
  }
  const workloads = createWorkloads({
    plugin,
    history,
    touch,
    externalIDOf: (at) => volumes.get(at)?.ExternalID,
  })

  function store(request: Request, fields: Partial<Volume>, by: Actor) {
    const at = `${request.Namespace}/${request.ID}`
    const before = volumes.get(at)
    const held = hidden.get(at)
    const secrets = request.Secrets ?? {}
    const mountFlags = request.MountOptions?.MountFlags ?? []
    const lost = [
      ...Object.keys(held?.secrets ?? {}).filter((name) => !(name in secrets)),
      ...(held?.mountFlags ?? []).filter((flag) => !mountFlags.includes(flag)),
    ]
    hidden.set(at, { secrets, mountFlags })
    const volume = nomadVolume(request.ID, {
      CreateIndex: index,
      ...before,
      Namespace: request.Namespace,
      Name: request.Name || before?.Name || '',
      PluginID: request.PluginID,
      RequestedCapabilities: request.RequestedCapabilities ?? [],
      RequestedCapacityMin: request.RequestedCapacityMin ?? 0,
      RequestedCapacityMax: request.RequestedCapacityMax ?? 0,
      MountOptions: {
        FSType: request.MountOptions?.FSType ?? '',
        MountFlags: mountFlags.length === 0 ? null : ['[REDACTED]'],
      },
      ...fields,
    })
    volumes.set(at, volume)
    const { ExternalID: externalID } = volume
    history.record({ type: 'volume stored', at, externalID, by, isNew: before === undefined, lost })
    touch(at)
  }

  function forget(at: string, by: Actor) {
    const volume = volumes.get(at)
    if (volume === undefined) return
    volumes.delete(at)
    hidden.delete(at)
    history.record({ type: 'volume forgotten', at, externalID: volume.ExternalID, by })
    touch()
  }

  function requirePlugin() {
    if (!conditions.isPluginAway) return
    throw new OperationError('no healthy controllers', { kind: 'transient', reason: 'PluginUnavailable' })
  }

  /** After the plugin's answer, which nobody but its provider knows of then. */
  function keepLeader(at: string, type: 'create volume' | 'delete volume') {
    if (conditions.losesLeader(at)) throw answered('leadership lost while committing log', type)
  }

  function refuseInUse(at: string) {
    if (workloads.claimsOn(at).length === 0) return
    const text = `volume in use: ${at.slice(at.indexOf('/') + 1)}`
    throw new OperationError(text, { kind: 'waiting', reason: 'InUse', retryAfterMs: 15_000 })
  }

  const present = (volume: Volume): Volume => {
    const claims = workloads.claimsOn(`${volume.Namespace}/${volume.ID}`)
    return {
      ...volume,
      Schedulable: !conditions.isPluginAway,
      ControllersHealthy: conditions.isPluginAway ? 0 : 1,
      WriteAllocs: Object.fromEntries(claims.map((id) => [id, null])),
      Allocations: claims.flatMap((id) => workloads.allocations().get(id) ?? []),
    }
  }

  return {
    volumes,
    workloads,
    conditions,
    hostVolumes: createHostVolumes((text) => answered(text)),
    indexOf: (what: 'volumes' | 'plugins') => BigInt(what === 'volumes' ? volumesIndex : pluginsIndex),
    /** Called after each change that a blocking query may wait for. */
    onChange(listener: () => void): () => void {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    setPluginAway(isAway: boolean) {
      conditions.isPluginAway = isAway
      index += 1
      pluginsIndex = index
      touch()
    },

    create(request: Request, by: Actor = 'Mooring'): void {
      const at = `${request.Namespace}/${request.ID}`
      const existing = volumes.get(at)
      const wanted = Number(request.RequestedCapacityMin ?? 0)
      if (existing !== undefined) {
        if (request.Name && request.Name !== existing.Name) throw answered('volume name cannot be updated')
        const isLarger = wanted > Number(existing.Capacity)
        if (isLarger) requirePlugin()
        const Capacity = isLarger ? plugin.expand(existing.ExternalID, wanted).sizeBytes : existing.Capacity
        keepLeader(at, 'create volume')
        store(request, { Capacity }, by)
        return
      }
      requirePlugin()
      const { Name: name = '', SnapshotID: snapshotID = '', CloneID: cloneID = '' } = request
      const disk = plugin.create({ name, at, sizeBytes: wanted, snapshotID, cloneID })
      keepLeader(at, 'create volume')
      store(
        request,
        {
          ExternalID: disk.externalID,
          Capacity: disk.sizeBytes,
          // What a plugin answers to a create replaces whatever context was sent.
          Context: { disk: disk.externalID },
          SnapshotID: snapshotID,
          CloneID: cloneID,
        },
        by,
      )
    },
    register(request: Request, by: Actor = 'Mooring'): void {
      const existing = volumes.get(`${request.Namespace}/${request.ID}`)
      const externalID = request.ExternalID || existing?.ExternalID || ''
      requirePlugin()
      if (existing !== undefined && existing.ExternalID !== externalID)
        throw answered('volume external ID cannot be updated')
      if (!plugin.disks.has(externalID))
        throw answered(`rpc error: code = NotFound desc = volume "${externalID}" is not there`)
      store(
        request,
        {
          ExternalID: externalID,
          Context: request.Context ?? existing?.Context ?? {},
          Capacity: existing?.Capacity ?? 0,
        },
        by,
      )
      workloads.release(`${request.Namespace}/${request.ID}`)
    },
    deregister(namespace: string, volumeID: string, by: Actor = 'Mooring'): void {
      refuseInUse(`${namespace}/${volumeID}`)
      forget(`${namespace}/${volumeID}`, by)
    },
    delete(namespace: string, volumeID: string): void {
      const at = `${namespace}/${volumeID}`
      const volume = volumes.get(at)
      if (volume === undefined) return
      requirePlugin()
      // As Nomad: the plugin is called before anybody looks for claims.
      plugin.delete(volume.ExternalID, 'Mooring', workloads.writersOf(volume.ExternalID).length > 0)
      keepLeader(at, 'delete volume')
      refuseInUse(at)
      forget(at, 'Mooring')
    },
    detach(namespace: string, volumeID: string, nodeID: string): void {
      const at = `${namespace}/${volumeID}`
      if (conditions.isDetachBroken)
        throw new OperationError('Unknown allocation', { kind: 'waiting', reason: 'DetachUnsupported' })
      if (workloads.livesOn(at, nodeID))
        throw answered(`volume in use: ${volumeID}: an allocation runs on node ${nodeID}`)
      workloads.detach(at, nodeID)
    },
    createSnapshot(namespace: string, request: SnapshotRequest): Snapshot {
      const volume = volumes.get(`${namespace}/${request.SourceVolumeID}`)
      if (volume === undefined) {
        const text = `no such volume "${request.SourceVolumeID}"`
        throw new OperationError(text, { kind: 'transient', reason: 'VolumeNotFound' })
      }
      requirePlugin()
      const made = plugin.snapshot(request.Name, volume.ExternalID)
      return { ...presentSnapshot(made), Name: request.Name }
    },
    deleteSnapshot(snapshotID: string): void {
      requirePlugin()
      plugin.deleteSnapshot(snapshotID, 'Mooring')
    },
    /** Somebody with `nomad volume deregister`. */
    forget,

    volume: (at: string) => {
      const found = volumes.get(at)
      return found && present(found)
    },
    list: (namespace: string) =>
      [...volumes.values()].filter((volume) => volume.Namespace === namespace).map(present),
    plugin(): Plugin {
      const { listsVolumes, listsSnapshots } = plugin.habits
      const lacks = { SupportsListVolumes: listsVolumes, SupportsListSnapshots: listsSnapshots }
      const whole = nomadPlugin(pluginID, lacks, {
        ModifyIndex: pluginsIndex,
        Nodes: workloads.pluginNodes(pluginID),
      })
      return conditions.isPluginAway ? { ...whole, ControllersHealthy: 0, Controllers: {} } : whole
    },
    externalVolumes(): ReadonlyMap<string, ExternalVolume> {
      requirePlugin()
      return new Map(
        plugin.listDisks().map(({ externalID, sizeBytes }) => [
          externalID,
          anExternalVolume(externalID, {
            CapacityBytes: sizeBytes,
            PublishedExternalNodeIDs: workloads.publishedTo(externalID),
          }),
        ]),
      )
    },
    snapshots(): ReadonlyMap<string, Snapshot> {
      requirePlugin()
      return new Map(plugin.listSnapshots().map((each) => [each.snapshotID, presentSnapshot(each)]))
    },
    allocations: (): ReadonlyMap<string, AllocationStub> => workloads.allocations(),
    nodes: (): ReadonlyMap<string, NodeState> => workloads.nodes(),
  }

  function presentSnapshot(snapshot: ReturnType<SimulatedPlugin['snapshot']>): Snapshot {
    return aSnapshot(snapshot.snapshotID, {
      ExternalSourceVolumeID: snapshot.externalID,
      CreateTime: Math.floor((epochMs + snapshot.takenAtMs) / 1000),
      IsReady: nowMs() >= snapshot.readyAtMs,
      PluginID: pluginID,
    })
  }
}

/** When every history begins, by the clocks of the plugin and of an operator that nobody has set. */
export const epochMs = Date.UTC(2026, 0, 15, 11, 50)

export type SimulatedNomad = ReturnType<typeof createNomad>

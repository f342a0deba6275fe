import type { DirectPlugins } from '../../src/csi/direct-plugins.ts'
import { OperationError } from '../../src/lib/errors.ts'
import { classifyAnswer, classifyLostAnswer, type Purpose } from '../../src/nomad/error-table.ts'
import type { Observer, VolumesApi } from '../../src/nomad/ports.ts'
import type { PluginInstance, Room } from '../../src/wire/plugin.ts'
import type { Snapshot } from '../../src/wire/snapshot.ts'
import type { Volume, VolumeRequest } from '../../src/wire/volume.ts'
import { anExternalVolume, aSnapshot, aVolumeStub } from '../builders/nomad.ts'
import { nomadPlugin, nomadVolume } from '../builders/observed.ts'
import { createHostVolumes } from './host-volumes.ts'

/**
 * What happens to the next call that writes:
 * - `refused`: answered with a permanent error, nothing was done;
 * - `unreachable`: nothing was sent;
 * - `lost`: carried out, and the answer was lost;
 * - `late`: the answer is lost, and it is carried out only when `settle` is called or its deadline has passed.
 */
export type Fault =
  | 'refused'
  | 'unreachable'
  | 'lost'
  | 'late'
  /** Answered so; where the text leaves that open, `isDone` says whether it was carried out. */
  | { readonly status: number; readonly text: string; readonly isDone: boolean }

/** What Nomad believes of an allocation, and what is true. */
interface Allocation {
  readonly nodeID: string
  readonly externalID: string
  clientStatus: string
  isWriting: boolean
}

function pluginNode(id: string): PluginInstance {
  return {
    PluginID: 'directories',
    AllocID: '',
    Healthy: true,
    HealthDescription: 'healthy',
    UpdateTime: '2026-01-01T00:00:00Z',
    Provider: 'directories.csi.example.com',
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

/**
 * Nomad and one plugin in memory, after the reference: create is idempotent by name at the plugin,
 * Nomad's create on an existing volume updates and expands it, register stores what it is told.
 */
export function createNomadWorld(options: { now: () => number; callDeadlineMs: number }) {
  const volumes = new Map<string, Volume>()
  const disks = new Map<string, { name: string; sizeBytes: number; content: string }>()
  /** Namespace and ID of volumes whose claims Nomad knows of, whatever was read before. */
  const claimed = new Set<string>()
  const snapshots = new Map<string, Snapshot & { content: string }>()
  const history = {
    disksMade: [] as string[],
    /** External IDs that a delete reached. */
    externalIDsDeleted: [] as string[],
    /** What each snapshot held, by its ID, deleted ones too. */
    contents: new Map<string, string>(),
    snapshotsMade: [] as string[],
    /** Names of disks that a delete of ours destroyed. */
    disksDeleted: [] as string[],
    /** Names of disks that nobody misses: each may be made once more. */
    livesEnded: [] as string[],
    writes: [] as string[],
    overlaps: [] as string[],
    /** What the plugin was asked directly to take off a node. */
    unpublished: [] as string[],
    /** What was asked for while somebody was writing there, or without what the plugin wants with it. */
    violations: [] as string[],
  }
  const allocations = new Map<string, Allocation>()
  const nodes = new Map(['n1', 'n2'].map((id) => [id, 'ready']))
  const draining = new Set<string>()
  /** The volume that each claim is on, by allocation. It stays when the allocation is gone. */
  const claims = new Map<string, { at: string; nodeID: string; externalID: string }>()
  /** `external volume at node` for each that the provider has attached. */
  const published = new Set<string>()
  const conditions = {
    isDetachBroken: false,
    /** The node's plugin is away, so that nothing can be taken off it. */
    isReleaseBroken: false,
    snapshotsNeedTheirVolume: false,
    /** The plugin's own socket answers. */
    isPluginReached: false,
    /** Neither Nomad nor we hear of the plugin. */
    isPluginAway: false,
    /** The plugin has the capability LIST_SNAPSHOTS. */
    canListSnapshots: true,
    /** What the plugin answers to the create of a snapshot. */
    isSnapshotReady: true,
    room: undefined as Room | undefined,
    beforeWrite: () => {},
  }
  let late: { name: string; untilMs: number; work: () => unknown }[] = []
  let nextFault: Fault | undefined
  let serial = 0

  function settleBefore(ms: number) {
    const ended = late.filter(({ untilMs }) => untilMs <= ms)
    late = late.filter(({ untilMs }) => untilMs > ms)
    for (const { work } of ended) {
      try {
        work()
      } catch (error) {
        // Nobody waits for the answer any more.
        if (!(error instanceof OperationError)) throw error
      }
    }
  }

  /** Nomad's answer of this text, as the client classifies it. */
  function answered(text: string, type: Purpose['type'] = 'write'): OperationError {
    return classifyAnswer(500, text, { title: 'a call', type })
  }

  async function write<T>(name: string, work: () => T): Promise<T> {
    settleBefore(options.now())
    history.writes.push(name)
    // Between our last read and the request anything may happen.
    conditions.beforeWrite()
    conditions.beforeWrite = () => {}
    // A create that is repeated while the first may still be running.
    if (name.startsWith('create') && late.some((call) => call.name === name)) history.overlaps.push(name)
    const fault = nextFault
    nextFault = undefined
    const lost = () =>
      classifyLostAnswer(undefined, true, 'no answer', { title: name, type: callTypeOf(name) })
    if (typeof fault === 'object') {
      const error = classifyAnswer(fault.status, fault.text, { title: name, type: callTypeOf(name) })
      if (error.kind === 'ambiguous' && fault.isDone) work()
      throw error
    }
    switch (fault) {
      case 'refused':
        throw new OperationError('refused', { kind: 'permanent', reason: 'Refused' })
      case 'unreachable':
        throw classifyLostAnswer(undefined, false, 'connection refused', { title: name, type: 'write' })
      case 'lost':
        work()
        throw lost()
      case 'late':
        late.push({ name, untilMs: options.now() + options.callDeadlineMs, work })
        throw lost()
      case undefined:
        return work()
    }
  }

  function callTypeOf(name: string): Purpose['type'] {
    if (name.startsWith('createVolume') || name.startsWith('updateVolume')) return 'create volume'
    if (name.startsWith('deleteVolume')) return 'delete volume'
    return name.startsWith('deleteSnapshot') ? 'delete snapshot' : 'write'
  }

  function store(request: VolumeRequest, externalID: string, capacity: number, before?: Volume) {
    const at = `${request.Namespace}/${request.ID}`
    serial += 1
    const hasFlags = (request.MountOptions?.MountFlags ?? []).length > 0
    volumes.set(
      at,
      nomadVolume(request.ID, {
        ...before,
        Namespace: request.Namespace ?? 'default',
        Name: request.Name || before?.Name || '',
        ExternalID: externalID,
        PluginID: request.PluginID,
        RequestedCapabilities: request.RequestedCapabilities ?? [],
        RequestedCapacityMin: request.RequestedCapacityMin ?? 0,
        RequestedCapacityMax: request.RequestedCapacityMax ?? 0,
        MountOptions: {
          FSType: request.MountOptions?.FSType ?? '',
          MountFlags: hasFlags ? ['[REDACTED]'] : null,
        },
        Capacity: capacity,
        SnapshotID: before?.SnapshotID ?? request.SnapshotID ?? '',
        Context: request.Context ?? before?.Context ?? {},
        ModifyIndex: serial,
      }),
    )
  }

  /** As Nomad: what a volume is cannot be updated. */
  function refuseOther(request: VolumeRequest, existing: Volume) {
    if (request.Name && request.Name !== existing.Name) throw answered('volume name cannot be updated')
    if (request.ExternalID && request.ExternalID !== existing.ExternalID)
      throw answered('volume external ID cannot be updated')
  }

  function createOrUpdate(request: VolumeRequest) {
    const existing = volumes.get(`${request.Namespace}/${request.ID}`)
    const wanted = Number(request.RequestedCapacityMin ?? 0)
    if (existing !== undefined) {
      refuseOther(request, existing)
      const disk = disks.get(existing.ExternalID)
      if (disk === undefined)
        throw answered(`volume "${existing.ExternalID}" could not be found`, 'create volume')
      if (wanted > disk.sizeBytes) requirePlugin()
      else releaseEnded(`${request.Namespace}/${request.ID}`)
      disk.sizeBytes = Math.max(disk.sizeBytes, wanted)
      store(request, existing.ExternalID, disk.sizeBytes, existing)
      return
    }
    requirePlugin()
    const name = request.Name ?? ''
    let found = [...disks].find(([, disk]) => disk.name === name)?.[0]
    if (found === undefined) {
      const source = snapshots.get(request.SnapshotID ?? '')
      if ((request.SnapshotID ?? '') !== '' && source === undefined)
        throw answered('rpc error: code = NotFound desc = content source does not exist', 'create volume')
      serial += 1
      found = `disk-${serial}`
      disks.set(found, {
        name,
        sizeBytes: Math.max(wanted, 1),
        content: source?.content ?? `written to ${found}`,
      })
      history.disksMade.push(name)
    }
    // What a plugin answers to a create replaces whatever context was sent.
    store({ ...request, Context: { disk: found } }, found, disks.get(found)?.sizeBytes ?? 0)
  }

  /** What Nomad does after a write; it takes the servers' word for what is lost. */
  function releaseEnded(at: string) {
    if (conditions.isReleaseBroken) return
    for (const id of claimsAt(at)) {
      const allocation = allocations.get(id)
      if (['running', 'pending', 'unknown'].includes(allocation?.clientStatus ?? '')) continue
      const { externalID = '', nodeID = '' } = claims.get(id) ?? {}
      if (writersOf(externalID).some((writer) => writer.nodeID === nodeID))
        history.violations.push(`release of ${at} from ${nodeID} under a writer`)
      claims.delete(id)
      published.delete(`${externalID} at ${nodeID}`)
    }
  }

  function claimsAt(at: string): string[] {
    return [...claims].flatMap(([id, claim]) => (claim.at === at ? [id] : []))
  }

  function refuseInUse(at: string) {
    if (claimsAt(at).length > 0 || claimed.has(at))
      throw new OperationError(`volume in use: ${at.slice(at.indexOf('/') + 1)}`, {
        kind: 'waiting',
        reason: 'InUse',
        retryAfterMs: 1_000,
      })
  }

  /** Who really writes, whatever Nomad believes. */
  function writersOf(externalID: string): Allocation[] {
    return [...allocations.values(), ...forgotten].filter(
      (allocation) => allocation.isWriting && allocation.externalID === externalID,
    )
  }
  /** Allocations that Nomad has no more, and that may write still. */
  const forgotten: Allocation[] = []
  const everywhere = (nodeID: string) =>
    [...allocations.values(), ...forgotten].filter((allocation) => allocation.nodeID === nodeID)

  /** What an allocation and people with access to Nomad and its machines do. */
  const people = {
    claim(volumeID: string, nodeID: string) {
      const at = `default/${volumeID}`
      const externalID = volumes.get(at)?.ExternalID
      if (externalID === undefined || nodes.get(nodeID) !== 'ready') return
      serial += 1
      const id = `alloc-${serial}`
      allocations.set(id, { nodeID, externalID, clientStatus: 'running', isWriting: true })
      claims.set(id, { at, nodeID, externalID })
      published.add(`${externalID} at ${nodeID}`)
      touch(at)
    },
    /** The oldest allocation of the volume ends, and its client says so. */
    endAllocation(volumeID: string) {
      for (const id of claimsAt(`default/${volumeID}`)) {
        const allocation = allocations.get(id)
        if (allocation?.clientStatus !== 'running' || nodes.get(allocation.nodeID) !== 'ready') continue
        allocations.set(id, { ...allocation, clientStatus: 'complete', isWriting: false })
        return
      }
    },
    /** Nomad forgets allocations that do not run, by its own books. */
    collect(volumeID: string) {
      for (const id of claimsAt(`default/${volumeID}`)) {
        const allocation = allocations.get(id)
        if (allocation === undefined || allocation.clientStatus === 'running') continue
        forgotten.push(allocation)
        allocations.delete(id)
      }
    },
    /** Nomad frees claims whose allocation ended, by its own books. */
    reap(volumeID: string) {
      const at = `default/${volumeID}`
      for (const id of claimsAt(at)) {
        if (allocations.get(id)?.clientStatus !== 'complete') continue
        const claim = claims.get(id)
        claims.delete(id)
        published.delete(`${claim?.externalID} at ${claim?.nodeID}`)
      }
      touch(at)
    },
    drain(nodeID: string, isOn: boolean) {
      if (isOn) draining.add(nodeID)
      else draining.delete(nodeID)
    },
    /** `partitioned` goes on writing, `dead` does not; Nomad cannot tell them apart. */
    changeNode(nodeID: string, to: 'partitioned' | 'dead' | 'back' | 'purged') {
      if (to === 'purged') {
        if (everywhere(nodeID).every(({ isWriting }) => !isWriting)) nodes.delete(nodeID)
        return
      }
      nodes.set(nodeID, to === 'back' ? 'ready' : to === 'dead' ? 'down' : 'disconnected')
      for (const allocation of everywhere(nodeID)) {
        if (to !== 'back' && allocation.clientStatus === 'running') {
          allocation.clientStatus = to === 'dead' ? 'lost' : 'unknown'
        }
        // A client that is back stops what it was told to give up, before it is ready.
        if (to !== 'partitioned' && allocation.clientStatus !== 'running') allocation.isWriting = false
      }
    },
    /** Takes the volume out of Nomad though its claims are there; the provider's attachment stays. */
    forceDeregister(volumeID: string) {
      const at = `default/${volumeID}`
      if (claimsAt(at).some((id) => allocations.get(id)?.clientStatus === 'running')) return
      for (const id of claimsAt(at)) claims.delete(id)
      volumes.delete(at)
    },
    /** Somebody grows the volume at the provider, and Nomad hears of it. */
    expand(volumeID: string) {
      const volume = volumes.get(`default/${volumeID}`)
      const disk = disks.get(volume?.ExternalID ?? '')
      if (volume === undefined || disk === undefined) return
      disk.sizeBytes += 1
      volumes.set(`default/${volumeID}`, { ...volume, Capacity: disk.sizeBytes })
      touch(`default/${volumeID}`)
    },
    /** Nomad's own in-use check holds for people too. */
    deregister(volumeID: string) {
      if (claimsAt(`default/${volumeID}`).length === 0) volumes.delete(`default/${volumeID}`)
    },
    /** The disk is gone at the provider, and whoever wrote to it fails. @param left what it is where Nomad does not say */
    destroy(volumeID: string, left = '') {
      const at = `default/${volumeID}`
      const externalID = volumes.get(at)?.ExternalID ?? left
      for (const id of claimsAt(at)) claims.delete(id)
      for (const [id, allocation] of allocations) {
        if (allocation.externalID === externalID) allocations.delete(id)
      }
      for (const allocation of forgotten) {
        if (allocation.externalID === externalID) allocation.isWriting = false
      }
      disks.delete(externalID)
      volumes.delete(at)
    },
    isDead: (nodeID: string) => everywhere(nodeID).every(({ isWriting }) => !isWriting),
  }

  function touch(at: string) {
    const volume = volumes.get(at)
    serial += 1
    if (volume !== undefined) volumes.set(at, { ...volume, ModifyIndex: serial })
  }

  function present(volume: Volume): Volume {
    const ids = claimsAt(`${volume.Namespace}/${volume.ID}`)
    return {
      ...volume,
      Schedulable: !conditions.isPluginAway,
      WriteAllocs: { ...volume.WriteAllocs, ...Object.fromEntries(ids.map((id) => [id, null])) },
      Allocations: ids.flatMap((id) => {
        const found = allocations.get(id)
        return found === undefined ? [] : [{ ID: id, NodeID: found.nodeID, ClientStatus: found.clientStatus }]
      }),
    }
  }

  const plugin = nomadPlugin(
    'directories',
    {},
    { Nodes: Object.fromEntries([...nodes.keys()].map((id) => [id, pluginNode(id)])) },
  )

  const hostVolumes = createHostVolumes((text) => answered(text))
  const api: VolumesApi = {
    createHostVolume: (request) => {
      const { Namespace, Name, NodeID, ID } = request
      const verb = ID ? 'update' : 'create'
      return write(`${verb}HostVolume ${Namespace}/${Name} at ${NodeID}`, () => hostVolumes.create(request))
    },
    registerHostVolume: (request) => write('registerHostVolume', () => hostVolumes.register(request)),
    deleteHostVolume: (namespace, id) => write('deleteHostVolume', () => hostVolumes.delete(namespace, id)),
    createVolume: (request) => {
      const at = `${request.Namespace}/${request.ID}`
      // Growing twice to the same size is the same as once; only a create must not overlap.
      return write(`${volumes.has(at) ? 'update' : 'create'}Volume ${at}`, () => createOrUpdate(request))
    },
    registerVolume: (request) =>
      write('registerVolume', () => {
        const existing = volumes.get(`${request.Namespace}/${request.ID}`)
        if (existing !== undefined) refuseOther(request, existing)
        requirePlugin()
        const disk = disks.get(request.ExternalID ?? '')
        if (disk === undefined)
          throw answered(`rpc error: code = NotFound desc = volume "${request.ExternalID}" is not there`)
        if (request.Context?.disk !== request.ExternalID)
          history.violations.push(`register of ${request.ExternalID} without the context of its create`)
        store(request, request.ExternalID ?? '', 0, existing)
      }),
    deregisterVolume: (namespace, volumeID) =>
      write('deregisterVolume', () => {
        refuseInUse(`${namespace}/${volumeID}`)
        volumes.delete(`${namespace}/${volumeID}`)
      }),
    deleteVolume: (namespace, volumeID) =>
      write('deleteVolume', () => {
        const at = `${namespace}/${volumeID}`
        if (!volumes.has(at)) return
        requirePlugin()
        const externalID = volumes.get(at)?.ExternalID ?? ''
        // As Nomad: the plugin is called before anybody looks for claims.
        if (writersOf(externalID).length > 0) history.violations.push(`delete of ${externalID} in use`)
        const isNeeded = [...snapshots.values()].some((each) => each.ExternalSourceVolumeID === externalID)
        if (conditions.snapshotsNeedTheirVolume && isNeeded) {
          throw new OperationError('it has snapshots', { kind: 'waiting', reason: 'DeleteRefused' })
        }
        history.externalIDsDeleted.push(externalID)
        const disk = disks.get(externalID)
        if (disk !== undefined) history.disksDeleted.push(disk.name)
        disks.delete(externalID)
        refuseInUse(at)
        volumes.delete(at)
      }),
    detachVolume: (namespace, volumeID, nodeID) => {
      const at = `${namespace}/${volumeID}`
      const externalID = volumes.get(at)?.ExternalID ?? ''
      if (writersOf(externalID).some((writer) => writer.nodeID === nodeID))
        history.violations.push(`detach of ${at} from ${nodeID} under a writer`)
      const meant = claimsAt(at).filter((id) => claims.get(id)?.nodeID === nodeID)
      return write('detachVolume', () => {
        if (conditions.isDetachBroken) {
          throw new OperationError('Unknown allocation', { kind: 'waiting', reason: 'DetachUnsupported' })
        }
        const living = (id: string) =>
          ['running', 'pending'].includes(allocations.get(id)?.clientStatus ?? '')
        const held = claimsAt(at).filter((id) => claims.get(id)?.nodeID === nodeID)
        if (held.some(living)) throw new OperationError('volume in use', { kind: 'waiting', reason: 'InUse' })
        for (const id of meant) claims.delete(id)
        published.delete(`${externalID} at ${nodeID}`)
      })
    },
    createSnapshot: (namespace, request) =>
      write(`createSnapshot ${request.Name}`, () => {
        const source = volumes.get(`${namespace}/${request.SourceVolumeID}`)
        if (source === undefined) throw answered(`no such volume "${request.SourceVolumeID}"`)
        requirePlugin()
        const disk = disks.get(source.ExternalID)
        if (disk === undefined) throw answered('rpc error: code = NotFound desc = no such volume')
        const found = [...snapshots.values()].find((snapshot) => snapshot.Name === request.Name)
        if (found !== undefined && found.ExternalSourceVolumeID !== source.ExternalID)
          throw answered('rpc error: code = AlreadyExists desc = the name is taken')
        if (found !== undefined) return found
        serial += 1
        const made = {
          ...aSnapshot(`snap-${serial}`, {
            ExternalSourceVolumeID: source.ExternalID,
            Name: request.Name,
            CreateTime: Math.floor(options.now() / 1000),
            IsReady: conditions.isSnapshotReady,
          }),
          content: disk.content,
        }
        snapshots.set(made.ID, made)
        history.snapshotsMade.push(request.Name)
        history.contents.set(made.ID, disk.content)
        return made
      }),
    deleteSnapshot: (_pluginID, snapshotID) =>
      write('deleteSnapshot', () => {
        requirePlugin()
        snapshots.delete(snapshotID)
      }),
  }

  const plugins: DirectPlugins = {
    externalVolume: async (_pluginID, externalID) => {
      if (!conditions.isPluginReached) return 'unknown'
      const disk = disks.get(externalID)
      return disk === undefined ? 'unlisted' : anExternalVolume(externalID, { CapacityBytes: disk.sizeBytes })
    },
    room: async () => (conditions.isPluginReached ? conditions.room : undefined),
    unpublish: async ({ externalID, externalNodeID }) => {
      if (!conditions.isPluginReached) return false
      const nodeID = externalNodeID.replace('external-', '')
      history.unpublished.push(`${externalID} at ${nodeID}`)
      if (writersOf(externalID).some((writer) => writer.nodeID === nodeID))
        history.violations.push(`${externalID} unpublished from ${nodeID} under a writer`)
      published.delete(`${externalID} at ${nodeID}`)
      return true
    },
  }

  function requirePlugin() {
    if (conditions.isPluginAway) throw answered('no healthy controllers for CSI plugin')
  }

  const observer: Observer = {
    volume: async (namespace, volumeID) => {
      const found = volumes.get(`${namespace}/${volumeID}`)
      return found && present(found)
    },
    volumeStubs: async (namespace) =>
      [...volumes.values()]
        .filter((volume) => volume.Namespace === namespace)
        .map((volume) => aVolumeStub(present(volume))),
    findVolumeStubs: async (namespace, field, value) =>
      (await observer.volumeStubs(namespace)).filter((stub) => stub[field] === value),
    recentExternalVolumes: (pluginID) => observer.externalVolumes(pluginID),
    findExternalVolume: async (pluginID, externalID) =>
      (await observer.externalVolumes(pluginID)).get(externalID),
    namespaceExists: async () => true,
    async plugin(pluginID) {
      if (pluginID !== plugin.ID) return undefined
      if (conditions.isPluginAway)
        return { ...plugin, Controllers: {}, ControllersHealthy: 0, ControllerRequired: true }
      return conditions.canListSnapshots ? plugin : nomadPlugin(plugin.ID, { SupportsListSnapshots: false })
    },
    externalVolumes: async () => {
      requirePlugin()
      return new Map(
        [...disks].map(([id, disk]) => [
          id,
          anExternalVolume(id, {
            CapacityBytes: disk.sizeBytes,
            PublishedExternalNodeIDs: ['n1', 'n2']
              .filter((nodeID) => published.has(`${id} at ${nodeID}`))
              .map((nodeID) => `external-${nodeID}`),
          }),
        ]),
      )
    },
    // As Nomad: no names in the list.
    async snapshots() {
      requirePlugin()
      return new Map([...snapshots].map(([id, { Name: _, ...snapshot }]) => [id, snapshot]))
    },
    allocations: async () =>
      new Map(
        [...allocations].map(([id, { nodeID, clientStatus }]) => [
          id,
          { ID: id, NodeID: nodeID, ClientStatus: clientStatus },
        ]),
      ),
    hostVolumes: async (namespace) => hostVolumes.list(namespace),
    // What was still running has ended by its deadline, and whoever reads after it sees that.
    async findHostVolumes(namespace, name) {
      settleBefore(options.now())
      return hostVolumes.list(namespace).filter((stub) => stub.Name === name)
    },
    async hostVolume(namespace, id) {
      settleBefore(options.now())
      return hostVolumes.get(namespace, id)
    },
    nodesOf: async (pool) =>
      new Map([...hostVolumes.nodes].filter(([, { NodePool }]) => pool === 'all' || NodePool === pool)),
    usersOfHostVolume: async (...parameters) => hostVolumes.usersOf(...parameters),
    invalidateHostVolumes: () => {},
    nodes: async () =>
      new Map(
        [['n0', 'ready'] as const, ...nodes].map(([id, Status]) => [id, { Status, Drain: draining.has(id) }]),
      ),
    invalidate: () => {},
  }

  return {
    api,
    observer,
    plugins,
    volumes,
    disks,
    hostVolumes,
    claimed,
    snapshots,
    history,
    people,
    claims,
    published,
    conditions,
    failNext(fault: Fault) {
      nextFault = fault
    },
    /** Carries out what was still running on the other side. */
    settle() {
      settleBefore(Number.POSITIVE_INFINITY)
    },
  }
}

import { OperationError } from '../../src/lib/errors.ts'
import type { Observer, VolumesApi } from '../../src/plan/ports.ts'
import type { Snapshot } from '../../src/wire/snapshot.ts'
import type { Volume, VolumeRequest } from '../../src/wire/volume.ts'
import { anExternalVolume, aSnapshot, aVolumeStub } from '../builders/nomad.ts'
import { nomadPlugin, nomadVolume } from '../builders/observed.ts'

/**
 * What happens to the next call that writes:
 * - `refused`: answered with a permanent error, nothing was done;
 * - `unreachable`: nothing was sent;
 * - `lost`: carried out, and the answer was lost;
 * - `late`: the answer is lost, and it is carried out only when `settle` is called or its deadline has passed.
 */
export type Fault = 'refused' | 'unreachable' | 'lost' | 'late'

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
    disksDeleted: [] as string[],
    /** What each snapshot held, by its ID, deleted ones too. */
    contents: new Map<string, string>(),
    snapshotsMade: [] as string[],
    writes: [] as string[],
    overlaps: [] as string[],
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

  async function write<T>(name: string, work: () => T): Promise<T> {
    settleBefore(options.now())
    history.writes.push(name)
    // A create that is repeated while the first may still be running.
    if (name.startsWith('create') && late.some((call) => call.name === name)) history.overlaps.push(name)
    const fault = nextFault
    nextFault = undefined
    const lost = () => new OperationError('no answer', { kind: 'ambiguous', reason: 'NoAnswer' })
    switch (fault) {
      case 'refused':
        throw new OperationError('refused', { kind: 'permanent', reason: 'Refused' })
      case 'unreachable':
        throw new OperationError('connection refused', { kind: 'transient', reason: 'Unreachable' })
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

  function store(request: VolumeRequest, externalID: string, capacity: number) {
    const at = `${request.Namespace}/${request.ID}`
    serial += 1
    volumes.set(
      at,
      nomadVolume(request.ID, {
        Namespace: request.Namespace ?? 'default',
        Name: request.Name ?? '',
        ExternalID: externalID,
        PluginID: request.PluginID,
        RequestedCapacityMin: request.RequestedCapacityMin ?? 0,
        RequestedCapacityMax: request.RequestedCapacityMax ?? 0,
        Capacity: capacity,
        Context: request.Context ?? {},
        ModifyIndex: serial,
      }),
    )
  }

  function createOrUpdate(request: VolumeRequest) {
    const existing = volumes.get(`${request.Namespace}/${request.ID}`)
    const wanted = Number(request.RequestedCapacityMin ?? 0)
    if (existing !== undefined) {
      const disk = disks.get(existing.ExternalID)
      if (disk === undefined) throw permanent(`volume "${existing.ExternalID}" could not be found`)
      disk.sizeBytes = Math.max(disk.sizeBytes, wanted)
      volumes.set(`${request.Namespace}/${request.ID}`, { ...existing, Capacity: disk.sizeBytes })
      return
    }
    const name = request.Name ?? ''
    let found = [...disks].find(([, disk]) => disk.name === name)?.[0]
    if (found === undefined) {
      serial += 1
      found = `disk-${serial}`
      const source = snapshots.get(request.SnapshotID ?? '')
      if ((request.SnapshotID ?? '') !== '' && source === undefined)
        throw permanent('content source does not exist')
      disks.set(found, {
        name,
        sizeBytes: Math.max(wanted, 1),
        content: source?.content ?? `written to ${found}`,
      })
      history.disksMade.push(name)
    }
    store(request, found, disks.get(found)?.sizeBytes ?? 0)
  }

  function permanent(message: string) {
    return new OperationError(message, { kind: 'permanent', reason: 'Refused' })
  }

  const api: VolumesApi = {
    createVolume: (request) => {
      const at = `${request.Namespace}/${request.ID}`
      // Growing twice to the same size is the same as once; only a create must not overlap.
      return write(`${volumes.has(at) ? 'update' : 'create'}Volume ${at}`, () => createOrUpdate(request))
    },
    registerVolume: (request) =>
      write('registerVolume', () => {
        const disk = disks.get(request.ExternalID ?? '')
        if (disk === undefined) throw permanent(`volume "${request.ExternalID}" could not be found`)
        store(request, request.ExternalID ?? '', 0)
      }),
    deregisterVolume: (namespace, volumeID) =>
      write('deregisterVolume', () => {
        if (claimed.has(`${namespace}/${volumeID}`)) {
          throw new OperationError(`volume in use: ${volumeID}`, { kind: 'waiting', reason: 'InUse' })
        }
        volumes.delete(`${namespace}/${volumeID}`)
      }),
    deleteVolume: (namespace, volumeID) =>
      write('deleteVolume', () => {
        const { ExternalID = '' } = volumes.get(`${namespace}/${volumeID}`) ?? {}
        disks.delete(ExternalID)
        history.disksDeleted.push(ExternalID)
        volumes.delete(`${namespace}/${volumeID}`)
      }),
    createSnapshot: (namespace, request) =>
      write(`createSnapshot ${request.Name}`, () => {
        const source = volumes.get(`${namespace}/${request.SourceVolumeID}`)
        const disk = disks.get(source?.ExternalID ?? '')
        if (source === undefined || disk === undefined) throw permanent('no such volume')
        const found = [...snapshots.values()].find((snapshot) => snapshot.Name === request.Name)
        if (found !== undefined) return found
        serial += 1
        const made = {
          ...aSnapshot(`snap-${serial}`, { ExternalSourceVolumeID: source.ExternalID, Name: request.Name }),
          content: disk.content,
        }
        snapshots.set(made.ID, made)
        history.snapshotsMade.push(request.Name)
        history.contents.set(made.ID, disk.content)
        return made
      }),
    deleteSnapshot: (_pluginID, snapshotID) =>
      write('deleteSnapshot', () => {
        snapshots.delete(snapshotID)
      }),
  }

  const observer: Observer = {
    volume: async (namespace, volumeID) => volumes.get(`${namespace}/${volumeID}`),
    volumeStubs: async (namespace) =>
      [...volumes.values()].filter((volume) => volume.Namespace === namespace).map(aVolumeStub),
    namespaceExists: async () => true,
    plugin: async (pluginID) => nomadPlugin(pluginID),
    externalVolumes: async () =>
      new Map([...disks].map(([id, disk]) => [id, anExternalVolume(id, { CapacityBytes: disk.sizeBytes })])),
    // As Nomad: no names in the list.
    snapshots: async () => new Map([...snapshots].map(([id, { Name: _, ...snapshot }]) => [id, snapshot])),
    invalidate: () => {},
  }

  return {
    api,
    observer,
    volumes,
    disks,
    claimed,
    snapshots,
    history,
    failNext(fault: Fault) {
      nextFault = fault
    },
    /** Carries out what was still running on the other side. */
    settle() {
      settleBefore(Number.POSITIVE_INFINITY)
    },
  }
}

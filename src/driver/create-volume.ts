import { lstatSync } from 'node:fs'
import type { CreateVolumeRequest__Output } from '../csi/generated/csi/v1/CreateVolumeRequest.ts'
import type { CreateVolumeResponse } from '../csi/generated/csi/v1/CreateVolumeResponse.ts'
import type { VolumeContentSource__Output } from '../csi/generated/csi/v1/VolumeContentSource.ts'
import { errorMessage } from '../lib/errors.ts'
import { type CapacityBounds, chooseCapacity, parseCapacityRange, satisfies } from './capacity.ts'
import { copyData } from './copy-data.ts'
import { describeVolume } from './describe.ts'
import type { DriverContext } from './driver-context.ts'
import { aborted, alreadyExists, invalidArgument, notFound } from './driver-error.ts'
import { isLiveCopy, refuseIfWritten } from './live-copy.ts'
import { checkMutableParameters } from './mutable-parameters.ts'
import { checkName, chooseID } from './names.ts'
import type { Release } from './operation-locks.ts'
import { chooseProjectID } from './quota.ts'
import type { VolumeRecord } from './records.ts'
import { settleVolume } from './settle.ts'
import { checkTopology } from './topology.ts'
import { parseCapabilities, unsupportedReason, type VolumeKind } from './volume-capability.ts'
import { requireSnapshotData, requireVolumeData } from './volume-data.ts'
import { ensureNameIsKnown, findSnapshot, getVolume } from './volume-lookup.ts'

interface WantedVolume {
  readonly name: string
  readonly kind: VolumeKind
  readonly bounds: CapacityBounds
  readonly parameters: Record<string, string>
  readonly mutableParameters: Record<string, string>
  readonly source: VolumeRecord['source']
}

/** What a volume is filled from, held so that it stays as it is. */
interface HeldSource {
  readonly path: string
  readonly leastBytes: number
  /** What is in it takes all of that. */
  readonly isFull: boolean
  release(): void
}

/**
 * CreateVolume: one volume per name, however often it is asked for. The record is there before the data
 * can be seen, so that a volume never exists without its name. A crash in between leaves nothing.
 */
export async function createVolume(
  context: DriverContext,
  request: CreateVolumeRequest__Output,
): Promise<CreateVolumeResponse> {
  const wanted = parseWanted(context, request)
  const release = context.locks.acquire(
    `name:${wanted.name}`,
    'exclusive',
    `a create of ${JSON.stringify(wanted.name)} is pending`,
  )
  try {
    ensureNameIsKnown(context.pool.volumes, wanted.name)
    const recorded = context.pool.volumes.findByName(wanted.name)
    if (recorded?.state === 'deleting')
      throw aborted(`volume ${recorded.id} of this name is still being deleted`)
    // Under the lock of its name a record of something half made is what an error left behind.
    const existing = recorded && (await settleVolume(context, recorded))
    const volume =
      existing === undefined ? await makeVolume(context, wanted) : matchExisting(context, existing, wanted)
    return { volume: describeVolume(context, volume) }
  } finally {
    release()
  }
}

function parseWanted(context: DriverContext, request: CreateVolumeRequest__Output): WantedVolume {
  checkName(request.name)
  const capabilities = parseCapabilities(request.volumeCapabilities)
  const kinds = new Set(capabilities.map(({ kind }) => kind))
  for (const capability of capabilities) {
    const reason = unsupportedReason(capability, context)
    if (reason !== undefined) throw invalidArgument(reason)
  }
  const [kind] = kinds
  if (kind === undefined || kinds.size > 1) {
    throw invalidArgument('volume_capabilities: a volume is a directory or a block device, not both')
  }
  checkMutableParameters(request.mutableParameters)
  checkTopology(context.topology, request.accessibilityRequirements)
  return {
    name: request.name,
    kind,
    bounds: parseCapacityRange(request.capacityRange),
    parameters: request.parameters,
    mutableParameters: request.mutableParameters,
    source: parseSource(request.volumeContentSource),
  }
}

function parseSource(source: VolumeContentSource__Output | null): VolumeRecord['source'] {
  if (source === null) return undefined
  const { snapshot, volume } = source
  if (snapshot) return { type: 'snapshot', id: snapshot.snapshotId }
  if (volume) return { type: 'volume', id: volume.volumeId }
  throw invalidArgument('volume_content_source: neither a snapshot nor a volume is given')
}

/** The same name again: the same volume, if it is compatible with what is asked now. */
function matchExisting(context: DriverContext, existing: VolumeRecord, wanted: WantedVolume): VolumeRecord {
  const { id } = existing
  const differing = [
    existing.kind !== wanted.kind && 'volume_capabilities',
    !satisfies(existing.capacityBytes, wanted.bounds) && 'capacity_range',
    !sameEntries(existing.parameters, wanted.parameters) && 'parameters',
    // As they are now. What is not asked for may have any value.
    !holdsEntries(existing.mutableParameters ?? {}, wanted.mutableParameters) && 'mutable_parameters',
    (existing.source?.type !== wanted.source?.type || existing.source?.id !== wanted.source?.id) &&
      'volume_content_source',
  ].filter((field) => field !== false)
  if (differing.length > 0) {
    throw alreadyExists(`the volume ${id} of this name has another ${differing.join(' and ')}`)
  }
  // Never a blank directory in the place of a lost one.
  requireVolumeData(context.pool, existing)
  return existing
}

async function makeVolume(context: DriverContext, wanted: WantedVolume): Promise<VolumeRecord> {
  const { pool, ledger, clock, log } = context
  const source = wanted.source && holdSource(context, wanted)
  try {
    const capacityBytes = chooseCapacity(wanted.bounds, {
      leastBytes: source?.leastBytes ?? 0,
      isLeastFull: source?.isFull === true,
      availableBytes: ledger.availableBytes(),
      kind: wanted.kind,
    })
    const isTaken = (id: string) =>
      pool.volumes.has(id) || lstatSync(pool.volumePath(id), { throwIfNoEntry: false }) !== undefined
    const volume: VolumeRecord = {
      id: chooseID(wanted.name, isTaken),
      name: wanted.name,
      state: 'creating',
      kind: wanted.kind,
      capacityBytes,
      ...(wanted.kind === 'mount' &&
        context.quota.type === 'enforced' && { projectID: chooseProjectID(pool.volumes.list()) }),
      createTimeMs: clock.now(),
      parameters: wanted.parameters,
      mutableParameters: wanted.mutableParameters,
      ...(wanted.source && { source: wanted.source }),
      attachments: [],
      stagings: [],
      publications: [],
    }
    const staging = pool.stagingPath(volume.id)
    const undo = ledger.reserve([{ holder: `volume:${volume.id}`, bytes: capacityBytes }])
    const ready: VolumeRecord = { ...volume, state: 'ready' }
    // From here to the first await nothing else runs, so neither the ID nor the space is given twice.
    const begun = pool.volumes.begin(volume)
    const prepared = pool.volumes.prepare(ready)
    try {
      await allDone([begun, prepared.written, fill(context, staging, volume, source?.path)])
      await pool.revealVolume(staging, volume.id)
    } catch (error) {
      await prepared.drop()
      if (await undoCreate(context, volume, staging)) undo()
      throw error
    }
    try {
      // A visible volume whose record says `creating` is ready, so a power cut may take the note back.
      await allDone([pool.volumes.syncDirectory(), prepared.note()])
    } catch (error) {
      await prepared.drop()
      // It is there. The next call of its name, or the next start, sees it through.
      await pool.volumes.begin(volume)
      throw error
    }
    log.info({ volume: ready.id, capacityBytes, source: ready.source }, 'volume created')
    return ready
  } finally {
    source?.release()
  }
}

/** Waits for all, and then rejects where one did: nothing is still at work when it settles. */
async function allDone(work: readonly Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((result) => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}

/**
 * Nobody was told of it. What cannot be undone now is undone in the background.
 * @returns whether nothing of it is left in the books
 */
async function undoCreate(
  { pool, trash, faults }: DriverContext,
  { id, kind }: VolumeRecord,
  staging: string,
): Promise<boolean> {
  trash.add(staging)
  // The rename may have been made before it failed: then it is there, and a replay finds it.
  if (pool.hasData(pool.volumePath(id), kind)) return false
  try {
    await pool.volumes.remove(id)
    return true
  } catch (error) {
    faults.set(`volume:${id}`, errorMessage(error))
    return false
  }
}

async function fill(
  context: DriverContext,
  path: string,
  { kind, capacityBytes, projectID }: VolumeRecord,
  sourcePath: string | undefined,
): Promise<void> {
  const { files, quota, tasks } = context
  // The limit comes before the content, so that a copy beyond it fails instead of filling the pool.
  if (kind === 'mount') await files.mkdir(path, 0o755)
  if (projectID !== undefined && quota.type === 'enforced') await quota.begin(path, projectID, capacityBytes)
  if (sourcePath !== undefined) await copyData(context, sourcePath, path, tasks.signal)
  if (kind === 'mount') return
  if (sourcePath === undefined) await files.createFile(path, '')
  await files.truncate(path, capacityBytes)
  await files.sync(path)
}

function holdSource(context: DriverContext, wanted: WantedVolume): HeldSource {
  const { pool, locks } = context
  // Only called with a source.
  const { type, id } = wanted.source ?? { type: 'snapshot', id: '' }
  const hold = (key: string): Release => locks.acquire(key, 'shared', `${type} ${id} is being changed`)
  const checkKind = (kind: VolumeKind) => {
    if (kind !== wanted.kind) {
      throw invalidArgument(
        `volume_content_source: ${type} ${id} is a ${kind} volume, and a ${wanted.kind} one is wanted`,
      )
    }
  }
  if (type === 'snapshot') {
    const snapshot = findSnapshot(pool, id)
    if (snapshot === undefined) throw notFound(`there is no snapshot ${JSON.stringify(id)}`)
    if (snapshot.state !== 'ready') throw aborted(`snapshot ${id} is not ready to use`)
    checkKind(snapshot.kind)
    const path = requireSnapshotData(pool, snapshot)
    const { sizeBytes, usedBytes } = snapshot
    // Of a directory that was put into the pool its snapshot knows no more than what is in it.
    const isFull = snapshot.kind === 'mount' && usedBytes >= sizeBytes
    return { path, leastBytes: sizeBytes, isFull, release: hold(`snapshot:${id}`) }
  }
  const volume = getVolume(pool, id)
  checkKind(volume.kind)
  const path = requireVolumeData(pool, volume)
  // Mutable ones take precedence (CSI 1.12, CreateVolume).
  const live = isLiveCopy({ ...wanted.parameters, ...wanted.mutableParameters }, volume)
  refuseIfWritten(context, volume, 'a clone', live)
  const releases = live ? [hold(`existence:${id}`)] : [hold(`existence:${id}`), hold(`content:${id}`)]
  return {
    path,
    leastBytes: volume.capacityBytes,
    isFull: false,
    release: () => {
      for (const release of releases) release()
    },
  }
}

function sameEntries(one: Record<string, string>, other: Record<string, string>): boolean {
  return Object.keys(one).length === Object.keys(other).length && holdsEntries(one, other)
}

function holdsEntries(all: Record<string, string>, some: Record<string, string>): boolean {
  return Object.entries(some).every(([key, value]) => all[key] === value)
}

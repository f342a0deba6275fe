import { OperationError } from '../lib/errors.ts'
import type { Decision, StepName } from '../plan/decision.ts'
import { type Key, snapshotKey, tombstoneID } from '../plan/identity.ts'
import { csiNameFor, describe } from '../plan/ownership.ts'
import { hasCapability } from '../plan/plugin-gate.ts'
import type { VolumeRecord } from '../plan/record.ts'
import type { HiddenHashes } from '../plan/volume-difference.ts'
import { planVolumeEnd } from '../plan/volume-end-plan.ts'
import { planVolume, type SourceObservation, type VolumeObservation } from '../plan/volume-plan.ts'
import { updateVolumeRequest } from '../plan/volume-request.ts'
import type { ExternalVolume, Volume } from '../wire/volume.ts'
import { planAbsentDeclaration } from './absence.ts'
import type { ReconcileContext } from './context.ts'
import type { Pass } from './reconcile.ts'
import { adoptVolume } from './steps/adopt-volume.ts'
import { cancelEnd } from './steps/cancel-end.ts'
import { createVolume } from './steps/create-volume.ts'
import { deleteVolume } from './steps/delete-volume.ts'
import { deregisterVolume } from './steps/deregister-volume.ts'
import { recreateVolume } from './steps/recreate-volume.ts'
import { registerTombstone } from './steps/register-tombstone.ts'
import { registerVolume } from './steps/register-volume.ts'
import { takeFinalSnapshot } from './steps/take-final-snapshot.ts'
import { updateVolume } from './steps/update-volume.ts'

/** What the steps of a volume work with: the pass's findings beside the context. */
export interface VolumeStepInput {
  readonly context: ReconcileContext
  readonly record: VolumeRecord
  readonly volume: Volume | undefined
  readonly source: SourceObservation
  readonly secretValues: Readonly<Record<string, string>>
  readonly hashes: HiddenHashes
  readonly updateHash: string | undefined
  readonly signal: AbortSignal
}

type VolumeStep = (input: VolumeStepInput) => Promise<VolumeRecord | undefined>

const steps: Partial<Record<StepName, VolumeStep>> = {
  'create-volume': createVolume,
  'register-volume': registerVolume,
  'adopt-volume': adoptVolume,
  'recreate-volume': recreateVolume,
  'update-volume': updateVolume,
  'expand-volume': updateVolume,
  'deregister-volume': deregisterVolume,
  'register-tombstone': registerTombstone,
  'delete-volume': deleteVolume,
  'take-final-snapshot': takeFinalSnapshot,
  'cancel-end': cancelEnd,
  release: async () => undefined,
}

/** A pass over one volume, declared or ending. */
export function createVolumePass(
  context: ReconcileContext,
  key: Key,
  signal: AbortSignal,
): Pass<VolumeRecord> {
  const record = currentRecord(context, key)
  let input: VolumeStepInput = {
    context,
    record,
    volume: undefined,
    source: { state: 'ready' },
    secretValues: {},
    hashes: {},
    updateHash: undefined,
    signal,
  }
  return {
    record,
    async decide() {
      const isDeclared = context.desired.declaration(key) !== undefined
      // A delete that is out cannot be called back; what is declared again afterwards begins anew.
      if (!isDeclared || record.end?.phase === 'delete') {
        const held = isDeclared ? undefined : planAbsentDeclaration(context.desired.absence(key), record)
        if (held !== undefined) return held
        input = await gatherForEnd(input)
        return planEnd(input)
      }
      const gathered = await gather(input)
      input = gathered.input
      return planVolume(record.declaration, record, gathered.observation, context.clock.now())
    },
    async act(step) {
      const run = steps[step]
      if (run === undefined) throw new Error(`a volume has no step ${step}`)
      return run(input)
    },
    settle({ lastUpdateHash, ...settled }) {
      return { ...settled, settledSpecHash: specHash(context, record) }
    },
    facts: ({ externalID, declaration }) => ({
      pluginID: declaration.spec.pluginID,
      ...(externalID === undefined ? {} : { externalID }),
      ...sizeOf(input.volume),
      ...claimsOf(input.volume),
    }),
  }
}

function sizeOf(volume: Volume | undefined) {
  return volume === undefined || BigInt(volume.Capacity) === 0n ? {} : { sizeBytes: volume.Capacity }
}

function claimsOf(volume: Volume | undefined) {
  return volume === undefined
    ? {}
    : { claims: [...Object.keys(volume.ReadAllocs ?? {}), ...Object.keys(volume.WriteAllocs ?? {})].sort() }
}

function currentRecord({ inventory, desired, region }: ReconcileContext, key: Key): VolumeRecord {
  const before = inventory.get(key)
  const declaration = desired.declaration(key)
  if (before?.kind === 'Volume') {
    return declaration?.kind === 'Volume' ? { ...before, declaration } : before
  }
  if (declaration?.kind !== 'Volume') throw new Error(`${key} is neither declared nor managed`)
  return {
    kind: 'Volume',
    key,
    declaration,
    csiName: csiNameFor(key, declaration, region),
    incarnation: 0,
    status: { conditions: [] },
  }
}

async function gather(
  input: VolumeStepInput,
): Promise<{ input: VolumeStepInput; observation: VolumeObservation }> {
  const { context, record } = input
  const { observer, inventory } = context
  const { spec } = record.declaration
  const [volume, plugin] = await Promise.all([
    observer.volume(spec.namespace, spec.volumeID),
    observer.plugin(spec.pluginID),
  ])
  const secretValues = await context.secrets.resolve(spec.secrets ?? {})
  const hashes = hiddenHashes(input, secretValues)
  const updateHash =
    volume === undefined
      ? undefined
      : inventory.keyedHash(
          JSON.stringify([updateVolumeRequest(spec, volume), hashes], (_key, value) =>
            typeof value === 'bigint' ? value.toString() : value,
          ),
        )
  const source = sourceOf(context, record)
  const isSettled = record.settledSpecHash === specHash(context, record)
  const externalID = record.externalID ?? spec.externalID
  const namespaceExists = volume !== undefined || (await observer.namespaceExists(spec.namespace))
  const takenBy = volume === undefined ? await findTaker(context, record) : undefined
  // The list is asked only where it decides something: is it there to register, how large is it, and is it
  // there still. The last is asked of what was seen ready before, so that a storm of creates reads no lists.
  const wasReady = record.settledSpecHash !== undefined
  const asksList =
    externalID !== undefined &&
    (volume === undefined || wasReady || BigInt(volume.Capacity) === 0n) &&
    hasCapability(plugin, 'SupportsListVolumes')
  const external = asksList
    ? await findExternal(context, spec.pluginID, externalID, volume === undefined)
    : 'unknown'
  return {
    input: { ...input, volume, source, secretValues, hashes, updateHash },
    observation: {
      volume,
      plugin,
      external,
      source,
      namespaceExists,
      takenBy,
      isSettled,
      isRecreateOrdered:
        externalID !== undefined && inventory.orders(record.key).recreate?.externalID === externalID,
      hashes,
      updateHash,
      settledBeforeMs: context.settledBeforeMs,
    },
  }
}

/** A list that may be older than the volume is not believed when it lacks it. */
async function findExternal(
  { observer }: ReconcileContext,
  pluginID: string,
  externalID: string,
  wantsFresh: boolean,
): Promise<ExternalVolume | 'unlisted'> {
  if (wantsFresh) observer.invalidate({ pluginID })
  const found = (await observer.externalVolumes(pluginID)).get(externalID)
  if (found !== undefined || wantsFresh) return found ?? 'unlisted'
  observer.invalidate({ pluginID })
  return (await observer.externalVolumes(pluginID)).get(externalID) ?? 'unlisted'
}

/** A volume of Nomad's, under another ID of the namespace, that stands for the same thing at the plugin. */
async function findTaker({ observer }: ReconcileContext, record: VolumeRecord): Promise<string | undefined> {
  const { spec } = record.declaration
  const externalID = record.externalID ?? spec.externalID
  const own = [spec.volumeID, record.end?.tombstoneID]
  const taker = (await observer.volumeStubs(spec.namespace)).find(
    (stub) =>
      stub.PluginID === spec.pluginID &&
      !own.includes(stub.ID) &&
      (externalID === undefined ? stub.Name === record.csiName : stub.ExternalID === externalID),
  )
  return taker?.ID
}

/** Of what the declaration asks of the volume itself, and not of how Mooring goes about it. */
function specHash({ inventory }: ReconcileContext, { declaration }: VolumeRecord): string {
  const { deletionPolicy, driftPolicy, finalSnapshot, suspend, ...asked } = declaration.spec
  return inventory.keyedHash(
    JSON.stringify(asked, (_key, value) => (typeof value === 'bigint' ? value.toString() : value)),
  )
}

function hiddenHashes(
  { context, record }: VolumeStepInput,
  secretValues: Readonly<Record<string, string>>,
): HiddenHashes {
  const entries = Object.entries(secretValues).sort(([one], [other]) => (one < other ? -1 : 1))
  const flags = [...(record.declaration.spec.mountOptions?.mountFlags ?? [])].sort()
  return {
    ...(entries.length === 0 ? {} : { secrets: context.inventory.keyedHash(JSON.stringify(entries)) }),
    ...(flags.length === 0 ? {} : { mountFlags: context.inventory.keyedHash(JSON.stringify(flags)) }),
  }
}

/** Where the content of a volume that is not created yet comes from; nothing waits once it is created. */
function sourceOf({ desired, inventory }: ReconcileContext, record: VolumeRecord): SourceObservation {
  const { spec } = record.declaration
  if (record.externalID !== undefined || spec.source === undefined) return { state: 'ready' }
  const { snapshot, snapshotID, volume, cloneID } = spec.source
  if (snapshotID !== undefined) return { state: 'ready', snapshotID }
  if (cloneID !== undefined) return { state: 'ready', cloneID }
  if (snapshot !== undefined) {
    const taken = inventory.get(snapshotKey(spec.namespace, snapshot))
    const isReady = taken?.status.conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
    return taken?.kind === 'Snapshot' && taken.snapshotID !== undefined && isReady
      ? { state: 'ready', snapshotID: taken.snapshotID }
      : {
          state: 'waiting',
          reason: 'SnapshotNotReady',
          message: `waiting for snapshot "${snapshot}" to be ready to use`,
        }
  }
  for (const declaration of desired.declarations().values()) {
    if (declaration.kind !== 'Volume' || declaration.name !== volume) continue
    if (declaration.spec.namespace !== spec.namespace) continue
    const original = inventory.get(`Volume/${spec.namespace}/${declaration.spec.volumeID}`)
    if (original?.kind === 'Volume' && original.externalID !== undefined) {
      return { state: 'ready', cloneID: original.externalID }
    }
  }
  return {
    state: 'waiting',
    reason: 'VolumeNotReady',
    message: `waiting for volume "${volume}", the source of the clone`,
  }
}

async function gatherForEnd(input: VolumeStepInput): Promise<VolumeStepInput> {
  const { spec } = input.record.declaration
  const volume = await input.context.observer.volume(spec.namespace, spec.volumeID)
  const secretValues =
    spec.deletionPolicy === 'Delete' ? await input.context.secrets.resolve(spec.secrets ?? {}) : {}
  return { ...input, volume, secretValues }
}

async function planEnd({ context, record, volume }: VolumeStepInput): Promise<Decision> {
  const { spec } = record.declaration
  const { observer } = context
  const { externalID } = record
  const plugin = await observer.plugin(spec.pluginID)
  const tombstone =
    externalID === undefined
      ? undefined
      : await observer.volume(spec.namespace, tombstoneID(record.key, externalID))
  const asksList =
    externalID !== undefined && volume === undefined && hasCapability(plugin, 'SupportsListVolumes')
  if (asksList) observer.invalidate({ pluginID: spec.pluginID })
  const isUnlisted = asksList && !(await observer.externalVolumes(spec.pluginID)).has(externalID)
  return planVolumeEnd(
    record,
    {
      volume,
      tombstone,
      plugin,
      isUnlisted,
      isFinalSnapshotReady: await isFinalSnapshotReady(
        context,
        record,
        hasCapability(plugin, 'SupportsListSnapshots'),
      ),
      dependents: dependentsOf(context, record),
      settledBeforeMs: context.settledBeforeMs,
    },
    context.clock.now(),
  )
}

/** Where the plugin cannot list snapshots, its answer to the create has to be enough. */
async function isFinalSnapshotReady(
  { observer }: ReconcileContext,
  { finalSnapshot, declaration }: VolumeRecord,
  canList: boolean,
): Promise<boolean | undefined> {
  const snapshotID = finalSnapshot?.snapshotID
  if (snapshotID === undefined) return undefined
  if (!canList) return true
  return (await observer.snapshots(declaration.spec.pluginID)).get(snapshotID)?.IsReady === true
}

/** Declared snapshots and clones-to-be of the volume, and snapshots of it that are ending themselves. */
function dependentsOf({ desired, inventory }: ReconcileContext, record: VolumeRecord): string[] {
  const { name, spec } = record.declaration
  const declared = [...desired.declarations().values()].filter((declaration) => {
    if (declaration.spec.namespace !== spec.namespace) return false
    if (declaration.kind === 'Snapshot') return declaration.spec.volume === name
    if (declaration.kind !== 'Volume' || declaration.spec.source?.volume !== name) return false
    const clone = inventory.get(`Volume/${spec.namespace}/${declaration.spec.volumeID}`)
    return clone?.kind === 'Volume' && clone.externalID === undefined
  })
  const ending = inventory
    .list()
    .filter(
      (other) =>
        other.kind === 'Snapshot' &&
        desired.declaration(other.key) === undefined &&
        other.declaration.spec.deletionPolicy === 'Delete' &&
        other.declaration.spec.namespace === spec.namespace &&
        other.declaration.spec.volume === name,
    )
  return [...declared.map(describe), ...ending.map((other) => describe(other.declaration))]
}

/** Secrets for a request: the field is left out where the declaration says nothing of them. */
export function secretsField({ record, secretValues }: VolumeStepInput): {
  Secrets?: Record<string, string>
} {
  return record.declaration.spec.secrets === undefined ? {} : { Secrets: { ...secretValues } }
}

/** The recorded external ID, which every step after the create has. */
export function recordedExternalID(record: VolumeRecord): string {
  const externalID = record.externalID ?? record.declaration.spec.externalID
  if (externalID !== undefined) return externalID
  throw new OperationError(`${record.key} has no external ID recorded`, {
    kind: 'permanent',
    reason: 'NoExternalID',
  })
}

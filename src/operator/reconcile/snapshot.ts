import type { Plugin } from '../../wire/plugin.ts'
import type { StepName } from '../plan/decision.ts'
import type { Key } from '../plan/identity.ts'
import { csiNameFor, describe } from '../plan/identity.ts'
import { hasCapability } from '../plan/plugin-gate.ts'
import type { SnapshotRecord } from '../plan/record.ts'
import { snapshotFacts } from '../plan/snapshot-facts.ts'
import { planSnapshot, planSnapshotEnd } from '../plan/snapshot-plan.ts'
import { endingDeclaration, planAbsentDeclaration } from './absence.ts'
import type { ReconcileContext } from './context.ts'
import { explainSeveral } from './explain-several.ts'
import type { Pass } from './pass.ts'
import { secretsForEnd } from './secrets-for-end.ts'
import type { SnapshotStepInput, SnapshotVolume } from './snapshot-step.ts'
import { adoptSnapshot } from './steps/adopt-snapshot.ts'
import { createSnapshot } from './steps/create-snapshot.ts'
import { deleteSnapshot } from './steps/delete-snapshot.ts'

type SnapshotStep = (input: SnapshotStepInput) => Promise<SnapshotRecord | undefined>

const steps: Partial<Record<StepName, SnapshotStep>> = {
  'create-snapshot': createSnapshot,
  'adopt-snapshot': adoptSnapshot,
  'delete-snapshot': deleteSnapshot,
  release: async () => undefined,
}

/** A pass over one snapshot, declared or ending. */
export function createSnapshotPass(
  context: ReconcileContext,
  key: Key,
  signal: AbortSignal,
): Pass<SnapshotRecord> {
  const record = currentRecord(context, key)
  let input: SnapshotStepInput = {
    context,
    record,
    volume: volumeOf(context, record),
    snapshots: 'unknown',
    secretValues: {},
    signal,
  }
  return {
    record,
    async decide(record) {
      input = { ...input, record }
      const absence = context.desired.absence(key)
      // What a schedule made is nobody's declaration; in Kubernetes a person may end it all the same.
      const isDeclared = record.schedule
        ? !record.schedule.isExpired && absence === undefined
        : context.desired.declaration(key) !== undefined
      const isAnswered = isDeclared || record.schedule?.isExpired === true
      const held = isAnswered ? undefined : planAbsentDeclaration(absence, record)
      if (held !== undefined) return held
      const { plugin, ...gathered } = await gather(input, !isDeclared)
      input = { ...input, ...gathered }
      const nowMs = context.clock.now()
      const { settledBeforeMs } = context
      return isDeclared
        ? planSnapshot(record.declaration, record, { ...input, plugin, settledBeforeMs }, nowMs)
        : planSnapshotEnd(
            record,
            {
              plugin,
              volume: input.volume,
              snapshots: input.snapshots,
              dependents: dependentsOf(context, record),
              settledBeforeMs,
            },
            nowMs,
          )
    },
    async act(step) {
      const run = steps[step]
      if (run === undefined) throw new Error(`a snapshot has no step ${step}`)
      return run(input)
    },
    settle: (settled) => settled,
    facts: ({ snapshotID, pluginID }) => {
      const listed =
        input.snapshots === 'unknown' || snapshotID === undefined
          ? undefined
          : input.snapshots.get(snapshotID)
      return {
        ...(pluginID === undefined ? {} : { pluginID }),
        ...(snapshotID === undefined ? {} : { externalID: snapshotID }),
        ...(listed === undefined ? {} : snapshotFacts(listed)),
      }
    },
  }
}

function currentRecord({ inventory, desired, region }: ReconcileContext, key: Key): SnapshotRecord {
  const before = inventory.get(key)
  const declaration = desired.declaration(key) ?? endingDeclaration(desired.absence(key))
  if (before?.kind === 'Snapshot') {
    return declaration?.kind === 'Snapshot' ? { ...before, declaration } : before
  }
  if (declaration?.kind !== 'Snapshot') throw new Error(`${key} is neither declared nor managed`)
  return {
    kind: 'Snapshot',
    key,
    declaration,
    csiName: csiNameFor(key, declaration, region),
    incarnation: 0,
    status: { conditions: [] },
  }
}

/** Finds the volume by the name of its declaration, also while that is ending. */
function volumeOf({ inventory }: ReconcileContext, { declaration }: SnapshotRecord): SnapshotVolume {
  const { namespace, volume: name } = declaration.spec
  for (const other of inventory.list()) {
    if (other.kind !== 'Volume' || other.declaration.name !== name) continue
    const { spec } = other.declaration
    if (spec.namespace !== namespace || other.externalID === undefined) continue
    // Until it is restored nobody can say of which of the two a snapshot would be.
    if (other.restore !== undefined) break
    return { state: 'ready', volumeID: spec.volumeID, externalID: other.externalID, pluginID: spec.pluginID }
  }
  return (
    explainSeveral(inventory, namespace, name) ?? {
      state: 'waiting',
      reason: 'VolumeNotReady',
      message: `waiting for volume "${name}" in Nomad namespace "${namespace}" to exist, and to be restored where a restore is under way`,
    }
  )
}

async function gather(
  { context, record, volume }: SnapshotStepInput,
  isEnding: boolean,
): Promise<Pick<SnapshotStepInput, 'snapshots' | 'secretValues'> & { plugin: Plugin | undefined }> {
  const { observer } = context
  const pluginID = record.pluginID ?? (volume.state === 'ready' ? volume.pluginID : undefined)
  const plugin = pluginID === undefined ? undefined : await observer.plugin(pluginID)
  const { declaration } = record
  const secretValues = isEnding
    ? await secretsForEnd(context, declaration)
    : await context.secrets.resolve(
        declaration.spec.secrets ?? {},
        declaration.spec.namespace,
        declaration.place.object,
      )
  // Nothing is asked of the list before there is something to find in it.
  const asksList = record.snapshotID !== undefined || record.intent !== undefined
  const snapshots =
    asksList && pluginID !== undefined && hasCapability(plugin, 'SupportsListSnapshots')
      ? await observer.snapshots(pluginID)
      : 'unknown'
  return { plugin, snapshots, secretValues }
}

/** Declared volumes that are still to be created from the snapshot, and volumes that are restored from it. */
function dependentsOf(
  { desired, inventory }: ReconcileContext,
  { declaration, snapshotID }: SnapshotRecord,
): string[] {
  const restored = inventory
    .list()
    .filter(
      (other) =>
        other.kind === 'Volume' && snapshotID !== undefined && other.restore?.snapshotID === snapshotID,
    )
    .map((other) => describe(other.declaration))
  const declared = [...desired.declarations()].flatMap(([key, other]) => {
    if (other.kind !== 'Volume' || other.spec.source?.snapshot !== declaration.name) return []
    if (other.spec.namespace !== declaration.spec.namespace) return []
    const record = inventory.get(key)
    return record?.kind === 'Volume' && record.externalID !== undefined ? [] : [describe(other)]
  })
  return [...declared, ...restored]
}

import type { Observer } from '../../nomad/ports.ts'
import type { Plugin } from '../../wire/plugin.ts'
import type { Decision } from '../plan/decision.ts'
import { describe, tombstoneID, volumeKey } from '../plan/identity.ts'
import { hasCapability } from '../plan/plugin-gate.ts'
import type { VolumeRecord } from '../plan/record.ts'
import { planVolumeEnd } from '../plan/volume-end-plan.ts'
import type { ReconcileContext } from './context.ts'
import { secretsForEnd } from './secrets-for-end.ts'
import type { VolumeStepInput } from './volume-step.ts'

/** What the steps of an end work with. */
export async function gatherForEnd(input: VolumeStepInput): Promise<VolumeStepInput> {
  const { spec } = input.record.declaration
  const volume = await input.context.observer.volume(spec.namespace, spec.volumeID)
  const secretValues = await secretsForEnd(input.context, input.record.declaration)
  return { ...input, volume, secretValues }
}

/** Gathers what the end of a volume depends on, and plans it. */
export async function planEnd({ context, record, volume }: VolumeStepInput): Promise<Decision> {
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
      snapshotIDs:
        record.end?.refusal === undefined || externalID === undefined
          ? []
          : await snapshotsOf(observer, plugin, externalID),
      dependents: dependentsOf(context, record),
      settledBeforeMs: context.settledBeforeMs,
    },
    context.clock.now(),
  )
}

/** The snapshots of an external volume, whoever made them; none where the plugin does not list any. */
export async function snapshotsOf(
  observer: Observer,
  plugin: Plugin | undefined,
  externalID: string,
): Promise<string[]> {
  if (plugin === undefined || !hasCapability(plugin, 'SupportsListSnapshots')) return []
  const listed = await observer.snapshots(plugin.ID)
  return [...listed.values()]
    .filter(({ ExternalSourceVolumeID }) => ExternalSourceVolumeID === externalID)
    .map(({ ID }) => ID)
    .sort()
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
    const clone = inventory.get(volumeKey(spec.namespace, declaration.spec.volumeID))
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

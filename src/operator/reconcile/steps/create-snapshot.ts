import { momentOf } from '../../../lib/clock.ts'
import { OperationError } from '../../../lib/errors.ts'
import { advise } from '../../../lib/reasons/explanation.ts'
import { reasons } from '../../../lib/reasons/reasons.ts'
import type { Snapshot } from '../../../wire/snapshot.ts'
import { type Intent, isOlderThan } from '../../plan/intent.ts'
import type { SnapshotRecord } from '../../plan/record.ts'
import { isKnownSnapshot, snapshotFacts } from '../../plan/snapshot-facts.ts'
import { beginIntent } from '../begin-intent.ts'
import type { StepContext } from '../context.ts'
import { intentAfterFailure } from '../intent-after-failure.ts'
import type { SnapshotStep } from '../snapshot-seen.ts'

/**
 * Takes the snapshot once. The intent is stored before the call. A repeat sends the same name and volume, and the plugin
 * answers with the existing snapshot (CSI spec, CreateSnapshot).
 */
export const createSnapshot: SnapshotStep = {
  intend({ context, record, seen: { volume } }) {
    if (volume.state !== 'ready') throw new Error(`${record.key}: its volume is not ready`)
    const { spec } = record.declaration
    const request = record.intent?.request ?? {
      SourceVolumeID: volume.volumeID,
      PluginID: volume.pluginID,
      Name: record.csiName,
      ...(spec.parameters === undefined ? {} : { Parameters: { ...spec.parameters } }),
    }
    const intent = beginIntent(context, request, record.intent)
    return {
      ...record,
      firstAskedMs: record.firstAskedMs ?? intent.firstMs ?? intent.sinceMs,
      pluginID: volume.pluginID,
      // The volume of the first call: before a repeat, another volume may have got its ID.
      externalSourceVolumeID:
        record.intent === undefined
          ? volume.externalID
          : (record.externalSourceVolumeID ?? volume.externalID),
      intent,
    }
  },
  async act({ context, record, seen: { volume, secretValues }, signal }) {
    const { intent, ...withoutIntent } = record
    if (intent === undefined || volume.state !== 'ready') throw new Error(`${record.key}: nothing to take`)
    const { spec } = record.declaration
    const secrets = spec.secrets === undefined ? {} : { Secrets: { ...secretValues } }
    try {
      const snapshot = await context.api.createSnapshot(
        spec.namespace,
        { ...intent.request, ...secrets },
        signal,
      )
      const wanted = [volume.externalID, record.externalSourceVolumeID]
      if (!wanted.includes(snapshot.ExternalSourceVolumeID)) {
        throw new OperationError(
          `the plugin returned snapshot "${snapshot.ID}" of external volume "${snapshot.ExternalSourceVolumeID}" instead of "${volume.externalID}", so it is not used. ${advise(reasons.WrongSource.person.mend(), reasons.WrongSource.person.giveUp())}`,
          {
            kind: 'permanent',
            reason: 'WrongSource',
            // An older one, or one under a name that a person chose, may be somebody else's.
            brokenAnswer:
              spec.name === undefined && !isOfFormerLife(snapshot, record, intent, context)
                ? { externalID: snapshot.ID }
                : {},
          },
        )
      }
      if (isOfFormerLife(snapshot, record, intent, context)) {
        throw new OperationError(
          `plugin "${volume.pluginID}" answered with snapshot "${snapshot.ID}", which is older than this declaration: it was taken at ${new Date(Number(snapshot.CreateTime) * 1000).toISOString()} under the same name "${record.csiName}". It is ${new Date(context.clock.now()).toISOString()} here. Nothing was taken now. ${advise(reasons.NameTaken.person.otherName(), reasons.ClockLeapt.person.setClock())}`,
          { kind: 'permanent', reason: 'NameTaken' },
        )
      }
      return {
        ...withoutIntent,
        snapshotID: snapshot.ID,
        identified: momentOf(context.clock),
        wasReady: snapshot.IsReady,
        externalSourceVolumeID: snapshot.ExternalSourceVolumeID,
        // Not every plugin can list it later.
        status: { ...record.status, ...snapshotFacts(snapshot) },
      }
    } finally {
      context.observer.invalidate({ pluginID: volume.pluginID })
    }
  },
  afterFailure({ record, before }, error) {
    return { record: intentAfterFailure(record, before, error) }
  },
}

/**
 * Whether the answer is a snapshot that was there before. The date decides only where nothing better does: the clock here
 * and that of the provider may differ by hours.
 */
function isOfFormerLife(
  snapshot: Snapshot,
  { key, schedule, pluginID = '', firstAskedMs, declaration: { spec } }: SnapshotRecord,
  intent: Intent<unknown>,
  { inventory }: Pick<StepContext, 'inventory'>,
): boolean {
  if (isKnownSnapshot(inventory, { pluginID, externalID: snapshot.ID, key })) return true
  // The name of a schedule's snapshot contains its time: no other has it.
  // A first request later than this one was dated by a clock that was ahead.
  const firstMs = Math.min(firstAskedMs ?? intent.firstMs ?? intent.sinceMs, intent.sinceMs)
  if (schedule !== undefined || !isOlderThan(snapshot.CreateTime, { ...intent, firstMs })) return false
  // This inventory never chose the name before, and all that it does not know is older than what it took itself.
  const isChosen = spec.name === undefined
  const createdMs = Number(snapshot.CreateTime) * 1000
  const isSinceOurs = inventory
    .find('plugin', pluginID)
    .some(({ kind, status: { takenAtMs } }) => kind === 'Snapshot' && (takenAtMs ?? Infinity) <= createdMs)
  return !(isChosen && isSinceOurs)
}

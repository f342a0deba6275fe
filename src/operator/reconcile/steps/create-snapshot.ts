import { OperationError } from '../../../lib/errors.ts'
import type { SnapshotRecord } from '../../plan/record.ts'
import { snapshotFacts } from '../../plan/snapshot-facts.ts'
import { beginIntent } from '../begin-intent.ts'
import { intentAfterFailure } from '../intent-after-failure.ts'
import type { SnapshotStepInput } from '../snapshot-step.ts'

/**
 * Takes the snapshot, once. The intent is stored before the call; a repeat sends the same name for the
 * same volume, which a plugin answers with the snapshot it has (CSI spec, CreateSnapshot).
 */
export async function createSnapshot(input: SnapshotStepInput): Promise<SnapshotRecord> {
  const { context, record, volume, secretValues, signal } = input
  if (volume.state !== 'ready') throw new Error(`${record.key}: its volume is not ready`)
  const { spec } = record.declaration
  const request = record.intent?.request ?? {
    SourceVolumeID: volume.volumeID,
    PluginID: volume.pluginID,
    Name: record.csiName,
    ...(spec.parameters === undefined ? {} : { Parameters: { ...spec.parameters } }),
  }
  const intent = beginIntent(context, request)
  const { intent: earlier, ...before } = record
  const withoutIntent: SnapshotRecord = {
    ...before,
    pluginID: volume.pluginID,
    // What the first call was for: a repeat may meet another volume of the ID, and be answered with that snapshot.
    externalSourceVolumeID:
      earlier === undefined ? volume.externalID : (record.externalSourceVolumeID ?? volume.externalID),
  }
  await context.inventory.put({ ...withoutIntent, intent })
  try {
    const secrets = spec.secrets === undefined ? {} : { Secrets: { ...secretValues } }
    const snapshot = await context.api.createSnapshot(spec.namespace, { ...request, ...secrets }, signal)
    const wanted = [volume.externalID, withoutIntent.externalSourceVolumeID]
    if (!wanted.includes(snapshot.ExternalSourceVolumeID)) {
      throw new OperationError(
        `snapshot "${snapshot.ID}" is of external volume "${snapshot.ExternalSourceVolumeID}", and not of "${volume.externalID}" as asked`,
        { kind: 'permanent', reason: 'WrongSource' },
      )
    }
    return {
      ...withoutIntent,
      snapshotID: snapshot.ID,
      externalSourceVolumeID: snapshot.ExternalSourceVolumeID,
      // Not every plugin can be asked for it again.
      status: { ...record.status, ...snapshotFacts(snapshot) },
    }
  } catch (error) {
    const isRepeat = earlier !== undefined
    const left = intentAfterFailure(intent, error, { isRepeat, nowMs: context.clock.now() })
    await context.inventory.put({ ...withoutIntent, ...(left && { intent: left }) })
    throw error
  } finally {
    context.observer.invalidate({ pluginID: volume.pluginID })
  }
}

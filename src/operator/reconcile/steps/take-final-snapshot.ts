import { chooseName, snapshotKey, tombstoneID } from '../../plan/identity.ts'
import type { VolumeRecord } from '../../plan/record.ts'
import { beginIntent } from '../begin-intent.ts'
import { intentAfterFailure } from '../intent-after-failure.ts'
import { recordedExternalID, type VolumeStepInput } from '../volume-step.ts'

/**
 * Takes the snapshot before a delete, of the tombstone, which nobody uses. Its name is of the external
 * volume, so that repeating it is the same snapshot; it stays, and is listed with what was released.
 */
export async function takeFinalSnapshot(input: VolumeStepInput): Promise<VolumeRecord> {
  const { context, record, secretValues, signal } = input
  const { namespace, pluginID, volumeID } = record.declaration.spec
  const externalID = recordedExternalID(record)
  const request = record.finalSnapshot?.intent.request ?? {
    SourceVolumeID: tombstoneID(record.key, externalID),
    PluginID: pluginID,
    Name: chooseName({
      region: context.region,
      namespace: externalID,
      id: `${volumeID}-final`,
      incarnation: 0,
    }),
  }
  const intent = beginIntent(context, request)
  const intended: VolumeRecord = { ...record, finalSnapshot: { intent } }
  await context.inventory.put(intended)
  try {
    const snapshot = await context.api.createSnapshot(
      namespace,
      { ...request, Secrets: { ...secretValues } },
      signal,
    )
    await context.inventory.release({
      key: snapshotKey(namespace, `${volumeID}:final`),
      pluginID,
      externalID: snapshot.ID,
      reason: 'FinalSnapshot',
      atMs: context.clock.now(),
    })
    return { ...intended, finalSnapshot: { intent, snapshotID: snapshot.ID } }
  } catch (error) {
    const isRepeat = record.finalSnapshot !== undefined
    const left = intentAfterFailure(intent, error, { isRepeat, nowMs: context.clock.now() })
    const { finalSnapshot: _, ...withoutIntent } = intended
    await context.inventory.put({ ...withoutIntent, ...(left && { finalSnapshot: { intent: left } }) })
    throw error
  } finally {
    context.observer.invalidate({ pluginID })
  }
}

import { OperationError, toOperationError } from '../../../lib/errors.ts'
import { tombstoneID } from '../../plan/identity.ts'
import type { DeleteRefusal, VolumeRecord } from '../../plan/record.ts'
import { snapshotsOf } from '../end-volume.ts'
import { recordedExternalID, type VolumeStepInput } from '../volume-step.ts'

/**
 * Deletes the external volume by its tombstone. From here on the end cannot be called off, unless the
 * plugin refuses: then nothing was altered (CSI spec, DeleteVolume), and it is tried again only once what
 * stood against it may be gone.
 */
export async function deleteVolume(input: VolumeStepInput): Promise<VolumeRecord> {
  const { context, record, secretValues, signal } = input
  const { namespace, pluginID } = record.declaration.spec
  const id = tombstoneID(record.key, recordedExternalID(record))
  const intended: VolumeRecord = { ...record, end: { phase: 'delete', tombstoneID: id } }
  await context.inventory.put(intended)
  try {
    await context.api.deleteVolume(namespace, id, secretValues, signal)
  } catch (error) {
    const failure = toOperationError(error)
    if (failure.reason !== 'DeleteRefused') throw error
    const refusal = await explainRefusal(input, failure.message)
    // What a repeat is refused, an earlier call may still be doing.
    const phase = record.end?.phase === 'delete' ? 'delete' : 'register-tombstone'
    await context.inventory.put({ ...record, end: { phase, tombstoneID: id, refusal } })
    // At once again: the next pass says what stands against it.
    throw new OperationError(failure.message, { kind: 'waiting', reason: 'DeleteRefused', retryAfterMs: 0 })
  } finally {
    context.observer.invalidate({ volume: { namespace, volumeID: id }, pluginID })
  }
  return intended
}

async function explainRefusal(
  { context, record, plugin }: VolumeStepInput,
  message: string,
): Promise<DeleteRefusal> {
  const { observer, clock } = context
  const { pluginID } = record.declaration.spec
  observer.invalidate({ pluginID })
  const snapshotIDs = await snapshotsOf(
    observer,
    plugin ?? (await observer.plugin(pluginID)),
    recordedExternalID(record),
  )
  return { message, snapshotIDs, atMs: clock.now() }
}

import { restoreSource, type VolumeRecord } from '../../plan/record.ts'
import { newVolumeRequest } from '../../plan/volume-request.ts'
import { beginIntent } from '../begin-intent.ts'
import { intentAfterFailure } from '../intent-after-failure.ts'
import { secretsField, type VolumeStepInput } from '../volume-step.ts'

/**
 * Creates the volume, once; in a restore its successor, from the snapshot. The intent is stored before the
 * call and stays until a read shows the external ID; it is dropped only where the answer says that nothing
 * was made.
 */
export async function createVolume(input: VolumeStepInput): Promise<VolumeRecord> {
  const { context, record, source, hashes, signal } = input
  const { api, inventory, observer } = context
  const request =
    record.intent?.request ??
    newVolumeRequest(
      record.declaration.spec,
      { csiName: record.restore?.csiName ?? record.csiName },
      record.restore === undefined ? (source.state === 'ready' ? source : {}) : restoreSource(record.restore),
    )
  const intent = beginIntent(context, request)
  const { intent: earlier, ...before } = record
  const withoutIntent: VolumeRecord = { ...before, applied: hashes }
  const intended: VolumeRecord = { ...withoutIntent, intent }
  await inventory.put(intended)
  try {
    await api.createVolume(
      { ...request, Namespace: record.declaration.spec.namespace, ...secretsField(input) },
      signal,
    )
  } catch (error) {
    const isRepeat = earlier !== undefined
    const left = intentAfterFailure(intent, error, { isRepeat, nowMs: context.clock.now() })
    await inventory.put({ ...withoutIntent, ...(left && { intent: left }) })
    throw error
  } finally {
    observer.invalidate({ volume: identityOf(record), pluginID: record.declaration.spec.pluginID })
  }
  return intended
}

/** The volume as Nomad addresses it. */
export function identityOf({ declaration }: VolumeRecord): { namespace: string; volumeID: string } {
  return { namespace: declaration.spec.namespace, volumeID: declaration.spec.volumeID }
}

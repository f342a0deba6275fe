import { restoreSource } from '../../plan/record.ts'
import { newVolumeRequest } from '../../plan/volume-request.ts'
import { beginIntent } from '../begin-intent.ts'
import { intentAfterFailure } from '../intent-after-failure.ts'
import { identityOf, secretsField, type VolumeStep } from '../volume-seen.ts'

/**
 * Creates the volume once, or its successor in a restore. The intent is stored before the call. It stays until a read
 * shows the external ID, or an answer says that nothing was created.
 */
export const createVolume: VolumeStep & Required<Pick<VolumeStep, 'intend'>> = {
  intend({ context, record, seen: { source, hashes } }) {
    const request =
      record.intent?.request ??
      newVolumeRequest(
        record.declaration.spec,
        { csiName: record.restore?.csiName ?? record.csiName },
        record.restore === undefined
          ? source.state === 'ready'
            ? source
            : {}
          : restoreSource(record.restore),
      )
    return { ...record, applied: hashes, intent: beginIntent(context, request, record.intent) }
  },
  async act(input) {
    const { context, record, signal } = input
    const { intent } = record
    if (intent === undefined) throw new Error(`${record.key}: nothing to create`)
    const { namespace, pluginID } = record.declaration.spec
    try {
      await context.api.createVolume(
        { ...intent.request, Namespace: namespace, ...secretsField(input) },
        signal,
      )
    } finally {
      context.observer.invalidate({ volume: identityOf(record), pluginID })
    }
    return record
  },
  afterFailure({ record, before }, error) {
    return { record: intentAfterFailure(record, before, error) }
  },
}

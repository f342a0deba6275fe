import { expandHostVolumeRequest } from '../../plan/host-volume-request.ts'
import { beginIntent } from '../begin-intent.ts'
import type { HostVolumeStep } from '../host-volume-seen.ts'
import { intentAfterFailure } from '../intent-after-failure.ts'

/** Expands the volume: a create with its ID and a greater capacity. Nomad refuses it while the volume is in use. */
export const expandHostVolume: HostVolumeStep = {
  intend({ context, record, seen }) {
    const volume = seen.by === 'held' ? undefined : seen.observation.volume
    if (volume === undefined) throw new Error(`${record.key}: nothing to expand`)
    const request = expandHostVolumeRequest(record.declaration.spec, volume)
    return { ...record, intent: beginIntent(context, request, record.intent) }
  },
  async act({ context, record, signal }) {
    const { intent, ...rest } = record
    if (intent === undefined) throw new Error(`${record.key}: nothing to expand`)
    const { namespace } = record.declaration.spec
    try {
      await context.api.createHostVolume({ ...intent.request, Namespace: namespace }, signal)
      return rest
    } finally {
      context.observer.invalidateHostVolumes(namespace)
    }
  },
  afterFailure({ record, before }, error) {
    return { record: intentAfterFailure(record, before, error) }
  },
}

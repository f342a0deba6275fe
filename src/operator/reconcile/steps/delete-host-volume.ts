import { momentOf } from '../../../lib/clock.ts'
import { endAfterFailure } from '../../plan/open-delete.ts'
import { assertNotCancelled } from '../absence.ts'
import type { HostVolumeStep } from '../host-volume-seen.ts'

/**
 * Deletes the recorded volume and ends its management. From now on the end cannot be cancelled, unless the answer says
 * that nothing was deleted.
 */
export const deleteHostVolume: HostVolumeStep = {
  intend: ({ context, record }) => ({
    ...record,
    end: { declaration: record.declaration, sent: momentOf(context.clock) },
  }),
  async act({ context, record, signal }) {
    assertNotCancelled(context, record)
    const { externalID, declaration } = record
    if (externalID === undefined) throw new Error(`${record.key}: no host volume is recorded`)
    const { namespace } = declaration.spec
    try {
      await context.api.deleteHostVolume(namespace, externalID, signal)
    } finally {
      context.observer.invalidateHostVolumes(namespace)
    }
    return undefined
  },
  afterFailure({ context, record, before }, error) {
    if (error.reason === 'EndCancelled') return { record: before }
    return { record: endAfterFailure(record, before, error, context.time()) }
  },
}

import type { HostVolumeStep } from '../host-volume-seen.ts'

/**
 * Deletes the recorded volume and ends its management. From now on the end cannot be cancelled, unless the answer says
 * that nothing was deleted.
 */
export const deleteHostVolume: HostVolumeStep = {
  intend: ({ record }) => ({ ...record, end: { declaration: record.declaration } }),
  async act({ context, record, signal }) {
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
  afterFailure({ record, before }, { kind }) {
    // If a repeat fails, an earlier call may still be running.
    const isOpen = kind === 'ambiguous' || (kind !== 'permanent' && before.end !== undefined)
    if (isOpen) return { record }
    const { end: _, ...rest } = record
    return { record: rest }
  },
}

import { momentOf } from '../../../lib/clock.ts'
import { contextField } from '../../plan/record.ts'
import type { VolumeStep } from '../volume-seen.ts'

/**
 * Records the external volume of Nomad's volume, whether Mooring or somebody else created it; or the one that a broken
 * answer named, for its end. Changes nothing in Nomad.
 */
export const adoptVolume: VolumeStep = {
  async act({ context, record, seen: { volume } }) {
    const { intent, applied, ...rest } = record
    const made = intent?.broken?.externalID
    if (volume === undefined && made !== undefined)
      return { ...rest, externalID: made, identified: momentOf(context.clock) }
    if (volume === undefined) throw new Error(`${record.key}: nothing to adopt`)
    const isOurs = intent !== undefined && volume.Name === record.csiName
    return {
      ...rest,
      externalID: volume.ExternalID,
      identified: momentOf(context.clock),
      ...contextField(volume),
      csiName: volume.Name === '' ? record.csiName : volume.Name,
      ...(isOurs && applied !== undefined ? { applied } : {}),
    }
  },
}

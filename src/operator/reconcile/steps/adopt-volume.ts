import { contextField } from '../../plan/record.ts'
import type { VolumeStep } from '../volume-seen.ts'

/** Records the external volume of Nomad's volume, whether Mooring or somebody else created it. Changes nothing in Nomad. */
export const adoptVolume: VolumeStep = {
  async act({ record, seen: { volume } }) {
    if (volume === undefined) throw new Error(`${record.key}: nothing to adopt`)
    const { intent, applied, ...rest } = record
    const isOurs = intent !== undefined && volume.Name === record.csiName
    return {
      ...rest,
      externalID: volume.ExternalID,
      ...contextField(volume),
      csiName: volume.Name === '' ? record.csiName : volume.Name,
      ...(isOurs && applied !== undefined ? { applied } : {}),
    }
  },
}

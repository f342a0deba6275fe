import { advise } from '../../lib/reasons/explanation.ts'
import { reasons } from '../../lib/reasons/reasons.ts'
import type { RecordReads } from '../plan/ports.ts'
import type { SnapshotVolume } from './snapshot-seen.ts'

/** Why nothing can be done if the name is that of a perAlloc declaration; else undefined. */
export function explainSeveral(
  inventory: Pick<RecordReads, 'find'>,
  namespace: string,
  name: string,
): Exclude<SnapshotVolume, { state: 'ready' }> | undefined {
  return inventory.find('wholeName', `${namespace}/${name}`).length > 0
    ? {
        state: 'stalled',
        reason: 'VolumeHasInstances',
        message: `volume "${name}" has perAlloc and stands for several volumes. ${advise(reasons.VolumeHasInstances.person.nameOne({ id: name }))}`,
      }
    : undefined
}

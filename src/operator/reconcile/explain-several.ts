import type { RecordReads } from '../plan/ports.ts'
import type { SnapshotVolume } from './snapshot-seen.ts'

/** Says so where the name is of a declaration that makes several volumes. */
export function explainSeveral(
  inventory: Pick<RecordReads, 'find'>,
  namespace: string,
  name: string,
): Extract<SnapshotVolume, { state: 'waiting' }> | undefined {
  return inventory.find('wholeName', `${namespace}/${name}`).length > 0
    ? {
        state: 'waiting',
        reason: 'VolumeHasInstances',
        message: `volume "${name}" has perAlloc and is several volumes: write which one, such as ${name}[0]`,
      }
    : undefined
}

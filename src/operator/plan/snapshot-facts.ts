import type { Snapshot } from '../../wire/snapshot.ts'
import type { Key } from './identity.ts'
import type { RecordReads, ReleasedStore } from './ports.ts'
import { externalToken } from './record.ts'
import type { Status } from './status.ts'

/** Year 9999 is the last in RFC 3339. */
const latestMs = Date.UTC(9999, 11, 31)

/** Size and time of a snapshot as its plugin reports them. 0 means that it does not report the value. */
export function snapshotFacts({
  SizeBytes,
  CreateTime,
}: Pick<Snapshot, 'SizeBytes' | 'CreateTime'>): Pick<Status, 'sizeBytes' | 'takenAtMs'> {
  const takenAtMs = Number(CreateTime) * 1000
  return {
    ...(BigInt(SizeBytes) === 0n ? {} : { sizeBytes: SizeBytes }),
    ...(takenAtMs > 0 && takenAtMs <= latestMs ? { takenAtMs } : {}),
  }
}

/** Whether the inventory knew the plugin's snapshot before, from another declaration than `key` or a former life of it. */
export function isKnownSnapshot(
  inventory: Pick<RecordReads, 'find'> & Pick<ReleasedStore, 'findReleased'>,
  of: { readonly pluginID: string; readonly externalID: string; readonly key: Key },
): boolean {
  return (
    inventory.findReleased('externalID', of.externalID).some(({ pluginID }) => pluginID === of.pluginID) ||
    inventory.find('snapshot', externalToken(of.pluginID, of.externalID)).some(({ key }) => key !== of.key)
  )
}

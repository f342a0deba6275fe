import type { Snapshot } from '../../wire/snapshot.ts'
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

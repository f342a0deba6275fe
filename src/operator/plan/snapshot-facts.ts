import type { Snapshot } from '../../wire/snapshot.ts'
import type { Status } from './status.ts'

/** The end of the year 9999: RFC 3339 has no later one. */
const latestMs = Date.UTC(9999, 11, 31)

/** What a plugin says of a snapshot that people want to see. 0 stands for what it does not say. */
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

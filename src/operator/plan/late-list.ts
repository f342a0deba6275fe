import { type Now, passedMs } from './now.ts'
import type { VolumeRecord } from './record.ts'

/** The lists of storage providers may lack what was made less than this before. */
const lateListMs = 20_000

/** Whether a list that lacks the recorded external volume can be believed: it is not new. */
export function isListProof({ identified }: Pick<VolumeRecord, 'identified'>, now: Now): boolean {
  return identified === undefined || passedMs(now, identified) >= lateListMs
}

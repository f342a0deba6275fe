import type { Moment } from '../../lib/clock.ts'
import { type Now, passedMs } from './now.ts'

/** The lists of storage providers may lack what was made less than this before. */
const lateListMs = 20_000

/** Whether a list that lacks the recorded external volume or snapshot can be believed: it is not new. */
export function isListProof({ identified }: { readonly identified?: Moment }, now: Now): boolean {
  // Between two boots more time passes, although nobody measures it.
  return identified?.boot !== now.boot || passedMs(now, identified) >= lateListMs
}

import { longestCallMs } from './intent.ts'
import { type Now, passedMs } from './now.ts'
import type { VolumeEnd } from './record.ts'

/**
 * Whether a delete was sent and may still take effect, so that its end cannot be cancelled. A refusal says that nothing
 * was deleted, once no earlier call can still be running.
 */
export function isDeleteOpen(end: VolumeEnd | undefined, now: Now): boolean {
  if (end?.phase !== 'delete') return false
  return end.refusal === undefined || passedMs(now, end.sent) < longestCallMs
}

import { momentOf } from '../../../lib/clock.ts'
import type { SnapshotStep } from '../snapshot-seen.ts'

/** Records since when the plugin no longer lists a schedule's snapshot. */
export const noteMissing: SnapshotStep = {
  async act({ context, record }) {
    return { ...record, unlisted: momentOf(context.clock) }
  },
}

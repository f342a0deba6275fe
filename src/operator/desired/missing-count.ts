import { isDeepStrictEqual } from 'node:util'
import type { Key } from '../plan/identity.ts'
import type { InventoryRecord, Missing } from '../plan/record.ts'
import type { Reading } from './absence.ts'

/** What a reading says of an absent declaration. */
export type Proof =
  /** Its removal is in doubt. */
  | 'unclear'
  /** It was removed from its place, and may stand at a place that could not be read. */
  | 'seen'
  /** It was removed. */
  | 'removed'

/**
 * Counts how long declarations have been missing: the time between readings of this process that saw them removed, and
 * what earlier processes counted. Neither a stopped process nor a stepped wall clock adds to it.
 */
export function createMissingCount(pruneDelayMs: number): {
  /** What to store of an absence; undefined where files do not decide about it. */
  next(record: InventoryRecord, reading: Reading, proof: Proof): Missing | undefined
  /** It is declared. */
  forget(key: Key): void
  /** Whether the stored count still serves: it is not stored again for every little that it grew. */
  isStored(stored: Missing | undefined, next: Missing | undefined): boolean
} {
  const counted = new Map<Key, { readonly monotonicMs: number; readonly elapsedMs: number }>()
  return {
    next({ key, declaration, missing, schedule, ...record }, reading, proof) {
      if (schedule !== undefined || (declaration.place.object !== undefined && proof === 'unclear'))
        return missing
      // Its end began, so nobody counts any more.
      if (record.kind === 'Volume' && record.end !== undefined) return missing
      const sinceMs = missing?.sinceMs ?? reading.atMs
      const earlierMs = missing?.isSeen ? missing.elapsedMs : 0
      if (proof !== 'removed') {
        // Time in doubt does not count.
        counted.delete(key)
        return proof === 'unclear'
          ? (missing ?? { sinceMs, isSeen: false, elapsedMs: 0 })
          : { sinceMs, isSeen: true, elapsedMs: earlierMs }
      }
      const { monotonicMs } = reading.sources.get(declaration.place.source) ?? reading
      const before = counted.get(key)
      const passedMs = before === undefined ? 0 : Math.max(0, monotonicMs - before.monotonicMs)
      const elapsedMs = Math.min(pruneDelayMs, Math.max(before?.elapsedMs ?? 0, earlierMs) + passedMs)
      counted.set(key, { monotonicMs, elapsedMs })
      return { sinceMs, isSeen: true, elapsedMs }
    },
    forget: (key) => void counted.delete(key),
    isStored(stored, next) {
      if (stored === undefined || next === undefined) return stored === next
      if (!isDeepStrictEqual(stored.mayBeIn, next.mayBeIn)) return false
      if (stored.isSeen !== next.isSeen || stored.sinceMs !== next.sinceMs) return false
      const grownMs = next.elapsedMs - stored.elapsedMs
      return grownMs === 0 || (next.elapsedMs < pruneDelayMs && grownMs < pruneDelayMs / 8)
    },
  }
}

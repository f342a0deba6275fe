import { aborted } from './driver-error.ts'

/** Releases what was acquired; calling it again does nothing. */
export type Release = () => void

/**
 * Locks that are never waited for: CSI answers ABORTED while an operation is pending on the same thing,
 * and the caller comes back. A key is held by any number of shared holders, or by one exclusive one.
 */
export interface OperationLocks {
  /** @throws DriverError ABORTED, saying `busy` */
  acquire(key: string, mode: 'shared' | 'exclusive', busy: string): Release
}

export function createOperationLocks(): OperationLocks {
  // -1: one exclusive holder. Otherwise the number of shared ones.
  const holders = new Map<string, number>()
  return {
    acquire(key, mode, busy) {
      const held = holders.get(key) ?? 0
      if (held === -1 || (mode === 'exclusive' && held > 0)) throw aborted(busy)
      holders.set(key, mode === 'exclusive' ? -1 : held + 1)
      let isHeld = true
      return () => {
        if (!isHeld) return
        isHeld = false
        const left = mode === 'exclusive' ? 0 : (holders.get(key) ?? 1) - 1
        if (left === 0) holders.delete(key)
        else holders.set(key, left)
      }
    },
  }
}

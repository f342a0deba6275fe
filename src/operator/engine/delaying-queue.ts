/**
 * Promise: a delayed key enters the queue at the earliest requested time. A key that already waits for its pass drops
 * later times: that pass reads everything, and its outcome says when to run again.
 */
import type { SteadyClock } from '../../lib/clock.ts'
import type { KeyQueue, Priority } from './key-queue.ts'

export interface DelayingQueue {
  add(key: string, priority: Priority): void
  /** `delayMs` 0 or less: now. */
  addAfter(key: string, delayMs: number, priority: Priority): void
  /** Drops the delayed keys. Later calls do nothing. */
  close(): void
  /** Number of delayed keys. */
  pending(): number
}

export function createDelayingQueue(
  queue: Pick<KeyQueue, 'add' | 'isDue'>,
  clock: SteadyClock,
): DelayingQueue {
  const timers = new Map<string, { dueMs: number; cancel: () => void }>()
  let closed = false

  function add(key: string, priority: Priority) {
    if (closed) return
    timers.get(key)?.cancel()
    timers.delete(key)
    queue.add(key, priority)
  }

  return {
    add,
    addAfter(key, delayMs, priority) {
      if (delayMs <= 0) return add(key, priority)
      if (closed || queue.isDue(key)) return
      const dueMs = clock.monotonicMs() + delayMs
      const pending = timers.get(key)
      if (pending && pending.dueMs <= dueMs) return
      pending?.cancel()
      timers.set(key, { dueMs, cancel: clock.after(delayMs, () => add(key, priority)) })
    },
    close() {
      closed = true
      for (const timer of timers.values()) timer.cancel()
      timers.clear()
    },
    pending: () => timers.size,
  }
}

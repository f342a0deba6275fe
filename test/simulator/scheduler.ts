import { hashText } from './random.ts'

/** Whoever waits for an event. Once it is no longer alive, none of its events happens. */
export interface Owner {
  readonly name: string
  isAlive: boolean
  /** Until then it stands still: what happens to it happens afterwards. */
  pausedUntilMs?: number
}

/** The world goes on whoever dies. */
export const nobody: Owner = { name: 'world', isAlive: true }

interface Event {
  dueMs: number
  readonly owner: Owner
  readonly title: string
  run: (() => void) | undefined
}

export interface Scheduler {
  /** Milliseconds since the history began. Nobody can set it. */
  readonly nowMs: number
  /** Whose event is running, together with all that it resolved. */
  readonly current: Owner
  /** @returns cancels it */
  after(owner: Owner, delayMs: number, title: string, run: () => void): () => void
  /** Lets everything happen that is due until then. Rejects with the first error that nobody caught. */
  runUntil(untilMs: number): Promise<void>
  /** Nothing happens any more. */
  halt(): void
  /** The same number after the same history. */
  traceHash(): number
  /** Events so far. */
  events(): number
  /** Called with the title of each event. */
  onEvent: ((title: string, owner: Owner) => void) | undefined
}

/**
 * The one queue of a history: each answer, timer, notice and act is an event of it. Between two events all promises
 * settle, so what the events do in which order is all that decides a history.
 * @param seed orders events of the same moment
 */
export function createScheduler(seed: number): Scheduler {
  const tie = ({ title, dueMs }: Event) => hashText(title, (seed + Math.floor(dueMs)) >>> 0)
  const heap = createHeap((one, other) =>
    one.dueMs === other.dueMs ? tie(one) < tie(other) : one.dueMs < other.dueMs,
  )
  let nowMs = 0
  let current = nobody
  let hash = 0
  let count = 0
  let isHalted = false

  function step(untilMs: number): boolean {
    const event = isHalted ? undefined : heap.takeUntil(untilMs)
    if (event === undefined) return false
    nowMs = Math.max(nowMs, event.dueMs)
    const { run, owner, title } = event
    if (run === undefined || !owner.isAlive) return true
    const { pausedUntilMs = 0 } = owner
    if (pausedUntilMs > nowMs) {
      heap.add(Object.assign(event, { dueMs: pausedUntilMs }))
      return true
    }
    current = owner
    count += 1
    hash = hashText(title, (hash + Math.floor(nowMs)) >>> 0)
    scheduler.onEvent?.(title, owner)
    run()
    return true
  }

  const scheduler: Scheduler = {
    get nowMs() {
      return nowMs
    },
    get current() {
      return current
    },
    after(owner, delayMs, title, run) {
      const event: Event = { dueMs: nowMs + Math.max(0, delayMs), owner, title, run }
      heap.add(event)
      return () => {
        event.run = undefined
      }
    },
    runUntil(untilMs) {
      return new Promise((resolve, reject) => {
        const go = () => {
          try {
            if (step(untilMs)) {
              setImmediateNow(go)
              return
            }
          } catch (error) {
            reject(error)
            return
          }
          nowMs = Math.max(nowMs, untilMs)
          current = nobody
          resolve()
        }
        go()
      })
    },
    halt() {
      isHalted = true
    },
    traceHash: () => hash,
    events: () => count,
    onEvent: undefined,
  }
  return scheduler
}

/** Node settles all promises between two of these. It is the cheapest way to wait for that: a microsecond. */
const setImmediateNow = setImmediate

function createHeap(isBefore: (one: Event, other: Event) => boolean) {
  const events: Event[] = []

  function at(index: number): Event {
    return events[index] as Event // Callers pass indexes within the heap.
  }

  return {
    add(event: Event) {
      let index = events.push(event) - 1
      while (index > 0) {
        const parent = (index - 1) >> 1
        if (!isBefore(event, at(parent))) break
        events[index] = at(parent)
        index = parent
      }
      events[index] = event
    },
    /** Takes the first event if it is due by then. */
    takeUntil(untilMs: number): Event | undefined {
      const first = events[0]
      if (first === undefined || first.dueMs > untilMs) return undefined
      const last = at(events.length - 1)
      events.pop()
      if (events.length === 0) return first
      let index = 0
      for (;;) {
        let child = 2 * index + 1
        if (child >= events.length) break
        if (child + 1 < events.length && isBefore(at(child + 1), at(child))) child += 1
        if (!isBefore(at(child), last)) break
        events[index] = at(child)
        index = child
      }
      events[index] = last
      return first
    },
  }
}

import type { Owner, Scheduler } from './scheduler.ts'
import type { Folder } from './world/folder.ts'
import type { Network } from './world/network.ts'

/** What stands in for the operating system while a history runs. There is one history at a time in a process. */
export interface Simulation {
  readonly scheduler: Scheduler
  readonly network: Network
  readonly folder: Folder
  /** The wall clock of the machine whose event is running. */
  wallMs(owner: Owner): number
}

let running: Simulation | undefined

export function currentSimulation(): Simulation {
  if (running === undefined) throw new Error('no history is running')
  return running
}

const real = {
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  setInterval: globalThis.setInterval,
  clearInterval: globalThis.clearInterval,
  now: Date.now,
  performanceNow: performance.now.bind(performance),
}
const realAny = AbortSignal.any

/** Node's own keeps each signal that somebody listens to until it aborts: those of killed processes for ever. */
function anyCollectable(signals: Iterable<AbortSignal>): AbortSignal {
  const controller = new AbortController()
  for (const signal of signals) {
    if (signal.aborted) controller.abort(signal.reason)
    signal.addEventListener('abort', () => controller.abort(signal.reason), { once: true })
  }
  return controller.signal
}

/** Timers as libraries use them, in virtual time. */
type Cancel = { readonly cancel: () => void; ref(): Cancel; unref(): Cancel }

function timer(cancel: () => void): Cancel {
  const handle: Cancel = { cancel, ref: () => handle, unref: () => handle }
  return handle
}

function setVirtualTimeout(callback: (...all: unknown[]) => void, delayMs = 0, ...all: unknown[]): Cancel {
  const { scheduler } = currentSimulation()
  return timer(scheduler.after(scheduler.current, delayMs, 'timeout', () => callback(...all)))
}

function setVirtualInterval(callback: (...all: unknown[]) => void, periodMs = 0, ...all: unknown[]): Cancel {
  const { scheduler } = currentSimulation()
  const owner = scheduler.current
  let cancel = () => {}
  const arm = () => {
    cancel = scheduler.after(owner, Math.max(1, periodMs), 'interval', () => {
      arm()
      callback(...all)
    })
  }
  arm()
  return timer(() => cancel())
}

const clearVirtual = (handle: Cancel | undefined) => handle?.cancel()

/** Runs a history in virtual time: whatever reads a clock or sets a timer meanwhile does so in that history. */
export async function inVirtualTime<Result>(
  simulation: Simulation,
  run: () => Promise<Result>,
): Promise<Result> {
  const { scheduler } = simulation
  running = simulation
  Object.assign(globalThis, {
    setTimeout: setVirtualTimeout,
    clearTimeout: clearVirtual,
    setInterval: setVirtualInterval,
    clearInterval: clearVirtual,
  })
  AbortSignal.any = anyCollectable
  Date.now = () => simulation.wallMs(scheduler.current)
  performance.now = () => scheduler.nowMs
  try {
    return await run()
  } finally {
    running = undefined
    const { now, performanceNow, ...timers } = real
    Object.assign(globalThis, timers)
    AbortSignal.any = realAny
    Date.now = now
    performance.now = performanceNow
  }
}

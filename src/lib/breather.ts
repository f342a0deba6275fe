import { createTurns } from './turns.ts'

/** For so long one piece of long work has the event loop. */
const sliceMs = 5
/** Work that is over by then was not long. */
const firstSliceMs = 1

/** All long work takes turns: one slice of one, then everything else that waits for the event loop, then the next. */
const turn = createTurns(1)

/** Resolves when long work may go on, with the moment of `performance.now` until which it may. */
export async function nextSlice(): Promise<number> {
  await turn()
  return performance.now() + sliceMs
}

/**
 * Lets other work run during long work. Call the result often: when a slice is over, it returns a promise that resolves
 * with the next one; otherwise undefined.
 */
export function createBreather(): () => Promise<void> | undefined {
  let untilMs = performance.now() + firstSliceMs
  return () => {
    if (performance.now() < untilMs) return undefined
    return nextSlice().then((endMs) => {
      untilMs = endMs
    })
  }
}

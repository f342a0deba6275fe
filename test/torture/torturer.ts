import fc from 'fast-check'
import { createNursery } from './driver-life.ts'
import { type History, histories } from './history.ts'
import { createMachine, whyNoDisk } from './machine.ts'
import { Violation } from './model.ts'
import { type Counts, emptyCounts, runHistory } from './run-history.ts'

/** A history in which something was lost, as short as it could be made. */
export interface Found {
  readonly history: string
  readonly message: string
  /** What `--replay` takes beside the seed. */
  readonly path: string
}

/** Runs random histories, one after another. */
export interface Torturer {
  /** Why pools have no disk of their own here, so that there are no mounts and no power cuts of one. */
  readonly noDisk: string | undefined
  readonly counts: Counts
  /** Runs the history of a seed; undefined: nothing was lost. */
  run(
    seed: number,
    options: { readonly rounds: number; readonly shrink: boolean; readonly path?: string | undefined },
  ): Promise<Found | undefined>
  /** Breaks off the history that runs: `run` removes its mounts and its disk, and rejects. */
  interrupt(): void
  close(): Promise<void>
}

const longestShrinkMs = 10 * 60_000

export function createTorturer(): Torturer {
  const noDisk = whyNoDisk()
  const counts = emptyCounts()
  const nursery = createNursery()
  let isInterrupted = false
  const refuseIfInterrupted = () => {
    if (isInterrupted) throw new Error('interrupted')
  }
  const interrupt = () => {
    isInterrupted = true
    nursery.refuse(new Error('interrupted'))
  }
  /** A search that ran out of time leaves its last history running. */
  let last: Promise<void> = Promise.resolve()
  const runOne = (history: History): Promise<void> => {
    last = runOn(history)
    return last
  }
  const runOn = async (history: History) => {
    refuseIfInterrupted()
    const machine = await createMachine(noDisk === undefined)
    try {
      await runHistory(history, { machine, nursery, counts })
    } finally {
      await machine.remove()
    }
  }
  return {
    noDisk,
    counts,
    async run(seed, { rounds, shrink, path }) {
      const details = await fc.check(fc.asyncProperty(histories(rounds), runOne), {
        seed,
        numRuns: 1,
        endOnFailure: !shrink,
        // A failure by then is as short as it got; without one, a history takes a minute at most.
        interruptAfterTimeLimit: longestShrinkMs,
        ...(path !== undefined && { path }),
      })
      refuseIfInterrupted()
      if (!details.failed) return undefined
      return {
        history: JSON.stringify(details.counterexample),
        message: explain(details.errorInstance),
        path: details.counterexamplePath ?? '',
      }
    },
    interrupt,
    async close() {
      interrupt()
      // How it ends was told to whoever ran it.
      await last.catch(() => {})
      await nursery.close()
    },
  }
}

const explain = (error: unknown) =>
  error instanceof Violation
    ? error.message
    : error instanceof Error
      ? (error.stack ?? error.message)
      : `${error}`

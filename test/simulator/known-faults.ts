import type { Violation } from './checkers/checker.ts'

/**
 * Faults of Mooring that the simulator has found and that are not mended yet, each with a seed that finds it. A history
 * that ends in one of them counts, and fails nothing. Whoever mends one takes it out here.
 */
export interface KnownFault {
  readonly text: RegExp
  readonly seed: number
  readonly why: string
}

export const knownFaults: readonly KnownFault[] = [
  {
    text: /team-[ab]\/\S+ was written \d+ times within a minute/,
    seed: 40510,
    why: 'with --source kubernetes: while a watch is silent, which is noticed after 150 s, an object that is gone is written each second',
  },
]

/** Whether one of these is what went wrong in a history. */
export const isKnown = (violations: readonly Violation[]) =>
  violations.some(({ text }) => knownFaults.some((fault) => fault.text.test(text)))

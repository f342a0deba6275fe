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
    text: /disk-\d+" could not be found|create snapshot .* was tried/,
    seed: 5018,
    why: 'where a plugin lists nothing, a disk that is lost has no exit: ends, expands and snapshots are tried for ever, and a schedule adds one more snapshot at each run',
  },
  {
    text: /was deleted, which people never removed: its file cannot be read/,
    seed: 5087,
    why: 'a file that cannot be read and is renamed counts as one that a person removed',
  },
  {
    text: /counts as ready with \d+ bytes in the place of/,
    seed: 9699,
    why: 'a volume that is registered again with a larger capacity counts as ready without an expand, where the plugin lists nothing',
  },
  {
    text: /ClockLeapt/,
    seed: 129,
    why: 'a process that starts on another machine takes the time since the last stored mark for a leap of the date',
  },
]

export const isKnown = (text: string) => knownFaults.some((fault) => fault.text.test(text))

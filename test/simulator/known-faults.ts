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
    text: /was deleted, which people never removed: its file cannot be read/,
    seed: 20500,
    why: 'a folder that is unmounted, or a file that was damaged, counts as one whose declarations were removed',
  },
  {
    text: /was deleted, which people (removed for no longer than|declare)/,
    seed: 63,
    why: 'a declaration that came back while no process ran, and was removed again, ends at once: the first removal counts',
  },
  {
    text: /disk-\d+" could not be found|create snapshot .* was tried/,
    seed: 205,
    why: 'snapshots of a volume whose data is lost at the provider are tried for ever, and a schedule adds one more at each run',
  },
]

export const isKnown = (text: string) => knownFaults.some((fault) => fault.text.test(text))

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
    text: /create snapshot .* was tried|VolumeNotFound: no such volume/,
    seed: 131,
    why: 'a snapshot of a volume that Nomad has forgotten, and whose declaration is missing, is tried again after each backoff',
  },
]

export const isKnown = (text: string) => knownFaults.some((fault) => fault.text.test(text))

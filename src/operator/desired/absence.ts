import type { Declaration } from '../declare/declaration.ts'

/** The result of reading all sources once. */
export interface Reading {
  readonly atMs: number
  /** Every source was read completely. */
  readonly complete: boolean
  /** Number of declarations found. */
  readonly count: number
  /** The names of the sources that were read. */
  readonly sources: ReadonlySet<string>
  /** `file` of each Kubernetes object whose content is invalid. Its previous declaration stays in force. */
  readonly unusable?: ReadonlySet<string>
}

/**
 * What happens to a managed identity that no source declares:
 * - `held`: it stays as it is, for `reason`;
 * - `missing`: its declaration was removed. It ends if a complete reading at or after `untilMs` misses it too;
 * - `ending`: Mooring carries out its deletionPolicy.
 */
export type Absence =
  | {
      readonly state: 'held'
      readonly reason: string
      readonly message: string
      /** Since when it is missing. Absent if the reading does not prove that it is. */
      readonly sinceMs?: number
      /** When Mooring decides again, if that time is known. */
      readonly untilMs?: number
    }
  | { readonly state: 'missing'; readonly sinceMs: number; readonly untilMs: number }
  | {
      readonly state: 'ending'
      /** The declaration whose policy applies, if it is not the recorded one. */
      readonly declaration?: Declaration
    }

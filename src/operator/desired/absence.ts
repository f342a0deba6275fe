import type { Reason } from '../../lib/reasons/reasons.ts'
import type { Declaration } from '../declare/declaration.ts'
import type { Evidence } from './evidence.ts'

/** The result of reading all sources once. */
export interface Reading {
  /** When the sources were so, in milliseconds since the epoch: for people. */
  readonly atMs: number
  /** The same on the monotonic clock of this process. */
  readonly monotonicMs: number
  /** Number of declarations found. */
  readonly count: number
  /** The sources that were read, by name, and what the reading proves about each. */
  readonly sources: ReadonlyMap<string, Evidence>
  /** `file` of each Kubernetes object whose content is invalid. Its previous declaration stays in force. */
  readonly unusable?: ReadonlySet<string>
}

/**
 * What happens to a managed identity that no source declares:
 * - `held`: it stays as it is, for `reason`. Where its removal is in doubt, its last declaration stays in force;
 * - `missing`: its declaration was removed. It ends if a later reading misses it too, after all of `--prune-delay`;
 * - `ending`: Mooring carries out its deletionPolicy.
 */
export type Absence =
  | {
      readonly state: 'held'
      readonly reason: Reason
      readonly message: string
      /** When Mooring decides again, if that time is known: in milliseconds since the epoch. */
      readonly untilMs?: number
    }
  | { readonly state: 'missing'; readonly untilMs: number }
  | {
      readonly state: 'ending'
      /** The declaration whose policy applies, if it is not the recorded one. */
      readonly declaration?: Declaration
    }

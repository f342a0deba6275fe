import type { Declaration } from '../declare/declaration.ts'

/** One reading of all sources together. */
export interface Reading {
  readonly atMs: number
  /** Every source was read whole. */
  readonly complete: boolean
  /** How many declarations there were. */
  readonly count: number
  /** The names of the sources that were read. */
  readonly sources: ReadonlySet<string>
  /** Places of Kubernetes objects that could not be used, by their `file`: they hold what they declared before. */
  readonly unusable?: ReadonlySet<string>
}

/**
 * What becomes of a managed identity that no source declares:
 * - `held`: it counts as declared, for `reason`;
 * - `missing`: seen gone; it ends if it is still gone in a complete reading at or after `untilMs`;
 * - `ending`: its deletionPolicy is carried out.
 */
export type Absence =
  | {
      readonly state: 'held'
      readonly reason: string
      readonly message: string
      /** Set where the reading can be trusted to have seen it gone. */
      readonly sinceMs?: number
      /** Set where it is decided then. */
      readonly untilMs?: number
    }
  | { readonly state: 'missing'; readonly sinceMs: number; readonly untilMs: number }
  | {
      readonly state: 'ending'
      /** Whose policy that is, where it is not the record's. */
      readonly declaration?: Declaration
    }

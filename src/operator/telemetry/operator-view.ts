import type { Declaration } from '../declare/declaration.ts'
import type { Key } from '../plan/identity.ts'
import type { InventoryRecord } from '../plan/record.ts'

/** What metrics and health ask of a running operator, each time that somebody asks them. */
export interface OperatorView {
  queue(): QueueView
  /** One for each source, in their order. */
  sources(): readonly SourceView[]
  records(): readonly InventoryRecord[]
  declarations(): ReadonlyMap<Key, Declaration>
}

export interface QueueView {
  readonly depth: number
  readonly running: number
  readonly delayed: number
  readonly failing: number
  readonly adds: number
  readonly retries: number
  readonly longestRunningMs: number
  /** Passes that have lost their slots for good. */
  readonly overdue: number
}

export interface SourceView {
  readonly name: string
  /** undefined: not read yet. */
  readonly last?: {
    readonly declarations: number
    readonly problems: number
    readonly isComplete: boolean
  }
  /** When the source was as its latest complete reading says, in milliseconds since the epoch. */
  readonly lastCompleteMs?: number
}

/** What a replica shows that stands by. */
export const nothingToSee: OperatorView = {
  queue: () => ({
    depth: 0,
    running: 0,
    delayed: 0,
    failing: 0,
    adds: 0,
    retries: 0,
    longestRunningMs: 0,
    overdue: 0,
  }),
  sources: () => [],
  records: () => [],
  declarations: () => new Map(),
}

import type { Declaration } from '../declare/declaration.ts'
import type { Key } from '../plan/identity.ts'
import type { InventoryRecord } from '../plan/record.ts'
import type { ObjectCount } from './object-counts.ts'

/** What metrics and health read from a running operator, at each request. */
export interface OperatorView {
  queue(): QueueView
  /** The sources in their order. */
  sources(): readonly SourceView[]
  records(): readonly InventoryRecord[]
  objectCounts(): Iterable<ObjectCount>
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
  /** Passes that will never free their slots. */
  readonly overdue: number
}

export interface SourceView {
  readonly name: string
  /** undefined before the first reading. */
  readonly last?: {
    readonly declarations: number
    readonly problems: number
    readonly isComplete: boolean
  }
  /** When the source had the content of its latest complete reading, in milliseconds since the epoch. */
  readonly lastCompleteMs?: number
}

/** The view of a replica that stands by. */
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
  objectCounts: () => [],
  declarations: () => new Map(),
}

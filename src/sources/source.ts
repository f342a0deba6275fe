import type { Declaration, Problem } from '../declare/declaration.ts'

/** What a source holds at one moment. */
export interface SourceContent {
  /**
   * Everything currently declared, in the order of (file, document). What a file declared before stays
   * while that file cannot be understood in full.
   */
  readonly declarations: readonly Declaration[]
  readonly problems: readonly Problem[]
  /** Every folder and file was read, and every document understood. Only a complete reading may end something. */
  readonly complete: boolean
  /** When the reading finished, in milliseconds since the epoch. */
  readonly readAtMs: number
  /** Documents that belong to others. */
  readonly skipped: number
}

/** Where declarations come from. */
export interface Source {
  /** As a person named it. */
  readonly name: string
  /**
   * Looks at the source itself, always, and never trusts that a change was announced. What is wrong in
   * the source is a problem in the content; rejects only when `signal` aborts. Readings run one after
   * the other, in the order of the calls.
   */
  read(signal?: AbortSignal): Promise<SourceContent>
  /**
   * Calls `listener` soon after something may have changed, many changes at once being one call. A hint:
   * it may come for nothing, and where watching fails it does not come, so read from time to time as well.
   * @returns ends it
   */
  onChange(listener: () => void): () => void
  /** Ends every watch; listeners are not called after it. Calling it again does nothing. */
  close(): Promise<void>
}

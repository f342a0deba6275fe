import type { Declaration, Place, Problem } from '../declare/declaration.ts'
import type { ParsedDeclarations } from '../declare/parse-declarations.ts'
import type { OrderedEnd } from '../desired/object-ends.ts'

/** Reads one file's text: parseDeclarations, with the variables and secrets of this process. */
export type ParseFile = (
  text: string,
  origin: Pick<Place, 'source' | 'file' | 'commit'>,
) => ParsedDeclarations

/** What a source holds at one moment. */
export interface SourceContent {
  /**
   * Everything currently declared, in the order of (file, document). What a file declared before stays
   * while that file cannot be understood in full.
   */
  readonly declarations: readonly Declaration[]
  readonly problems: readonly Problem[]
  /** What stands in the files to no effect; a reading with warnings may be complete. */
  readonly warnings: readonly Problem[]
  /** Every folder and file was read, and every document understood. Only a complete reading may end something. */
  readonly complete: boolean
  /** The source was like this at this time, in milliseconds since the epoch. */
  readonly readAtMs: number
  /** Of a Git repository: the commit that was read, as its full hash. */
  readonly commit?: string
  /** Documents that belong to others. */
  readonly skipped: number
  /** Of Kubernetes objects: those that are deleted and still there. */
  readonly ends?: readonly OrderedEnd[]
  /** Of Kubernetes objects: the places, by their `file`, of those that cannot be used; the reading may be complete. */
  readonly unusable?: ReadonlySet<string>
}

/** Where declarations come from. */
export interface Source {
  /** As a person named it. */
  readonly name: string
  /**
   * Looks at the source itself, and never trusts that a change was announced; a source that is far away
   * is looked at by its own schedule while it is watched, and `readAtMs` says when it was. What is wrong
   * in the source is a problem in the content; rejects only when `signal` aborts. Readings run one after
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

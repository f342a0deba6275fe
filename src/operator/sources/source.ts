import type { Declaration, Place, Problem } from '../declare/declaration.ts'
import type { ParsedDeclarations } from '../declare/parse-declarations.ts'
import type { OrderedEnd } from '../desired/object-ends.ts'

/** Parses the text of one file: parseDeclarations with the variables and secrets of this process. */
export type ParseFile = (
  text: string,
  origin: Pick<Place, 'source' | 'file' | 'commit'>,
) => ParsedDeclarations

/** The content of a source at one moment. */
export interface SourceContent {
  /**
   * Everything that is declared, in the order of (file, document). The earlier declarations of a file stay while that file
   * cannot be fully understood.
   */
  readonly declarations: readonly Declaration[]
  readonly problems: readonly Problem[]
  /** Parts of files without effect. A reading with warnings may be complete. */
  readonly warnings: readonly Problem[]
  /** Every folder and file was read, and every document understood. Only a complete reading may remove something. */
  readonly complete: boolean
  /** When the source had this content, in milliseconds since the epoch. */
  readonly readAtMs: number
  /** Only for Git: the full hash of the commit. */
  readonly commit?: string
  /** The number of documents that are no declarations. */
  readonly skipped: number
  /** Only for Kubernetes: the objects that are being deleted. */
  readonly ends?: readonly OrderedEnd[]
  /** Only for Kubernetes: the objects that cannot be used, by the `file` of their place. The reading may be complete. */
  readonly unusable?: ReadonlySet<string>
}

/** A place with declarations: a folder, a file, a Git repository, or Kubernetes. */
export interface Source {
  /** The name that a person gave it. */
  readonly name: string
  /**
   * Reads the source itself, whether or not a change was reported. A remote source that is watched is read by a schedule of its
   * own, and `readAtMs` says when that was. Faults in the source are problems in the content; it rejects only when `signal`
   * aborts. Readings run one after another, in the order of the calls.
   */
  read(signal?: AbortSignal): Promise<SourceContent>
  /**
   * Calls `listener` soon after something may have changed, once for many changes. It may call it without a change, and where
   * watching fails it does not call it, so read from time to time as well. Returns the function that ends it.
   */
  onChange(listener: () => void): () => void
  /** Ends all watches. No listener is called any more. A second call does nothing. */
  close(): Promise<void>
}

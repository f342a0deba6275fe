import type { Declaration, Place, Problem } from '../declare/declaration.ts'
import type { ParsedDeclarations } from '../declare/parse-declarations.ts'
import type { Evidence } from '../desired/evidence.ts'
import type { OrderedEnd } from '../desired/object-ends.ts'

/** Parses the text of one file: parseDeclarations with the variables and secrets of this process. */
export type ParseFile = (
  text: string,
  origin: Pick<Place, 'source' | 'file' | 'commit'>,
) => ParsedDeclarations

/** The content of a source at one moment. */
export interface SourceContent {
  /** Everything that was understood, in the order of (file, document). */
  readonly declarations: readonly Declaration[]
  readonly problems: readonly Problem[]
  /** Parts of files without effect. Nothing is in doubt because of them. */
  readonly warnings: readonly Problem[]
  /** What the reading proves about the files. By it an absent declaration is removed, or in doubt. */
  readonly evidence: Evidence
  /** When the source had this content, in milliseconds since the epoch: for people. */
  readonly readAtMs: number
  /** Only for Git: the full hash of the commit. */
  readonly commit?: string
  /** The number of documents that are no declarations. */
  readonly skipped: number
  /** Only for Kubernetes: the objects that are being deleted. */
  readonly ends?: readonly OrderedEnd[]
  /** Only for Kubernetes: the objects that cannot be used, by the `file` of their place. They cause no doubt. */
  readonly unusable?: ReadonlySet<string>
}

/** A place with declarations: a folder, a file, a Git repository, or Kubernetes. */
export interface Source {
  /** The real absolute path of a folder or file; the address of a repository. */
  readonly name: string
  /**
   * Reads the source itself, whether or not a change was reported. A remote source that is watched is read by a schedule of its
   * own, and `readAtMs` says when that was. Faults in the source are problems in the content; it rejects only when `signal`
   * aborts. Readings run one after another, in the order of the calls.
   */
  read(signal?: AbortSignal): Promise<SourceContent>
  /**
   * Called when everything that follows from a content is stored. Only then may the source forget what it compared that
   * content with: after a crash before this call, the next process sees the same removals again.
   */
  recorded?(content: SourceContent): Promise<void>
  /**
   * Calls `listener` soon after something may have changed, once for many changes. It may call it without a change, and where
   * watching fails it does not call it, so read from time to time as well. Returns the function that ends it.
   */
  onChange(listener: () => void): () => void
  /** Ends all watches. No listener is called any more. A second call does nothing. */
  close(): Promise<void>
}

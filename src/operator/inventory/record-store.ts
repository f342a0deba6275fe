/**
 * Where an inventory lives that another system keeps (Nomad Variables, Kubernetes objects): small texts
 * under names, each with a version that every write names. A name is one or two parts of `[a-z0-9-]`, with
 * a slash between them, and at most 80 bytes long. No method repeats a write by itself.
 */
export interface RecordStore {
  /** Longest text that it takes, in bytes of UTF-8. */
  readonly maxTextBytes: number
  /** Everything there is, as of now. */
  load(): Promise<readonly StoredText[]>
  /** As of now, and after every write that was answered. undefined: nothing is there. */
  read(name: string): Promise<StoredText | undefined>
  /**
   * @param version of the text that is replaced; undefined where none must be there
   * @returns the new version
   * @throws RecordConflictError where another version is there; OperationError, `ambiguous` where the
   *   write may have been carried out
   */
  write(name: string, text: string, version: string | undefined): Promise<string>
  /** Success where nothing is there. @throws as write */
  remove(name: string, version: string): Promise<void>
}

export interface StoredText {
  readonly name: string
  readonly text: string
  readonly version: string
}

/** Another process wrote in between: whoever meets it no longer knows what is stored. */
export class RecordConflictError extends Error {
  override readonly name = 'RecordConflictError'
}

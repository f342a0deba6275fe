/**
 * Stores an inventory in another system (Nomad Variables, Kubernetes objects) as small named texts. Each text has a
 * version, and a write names the version that it replaces. A name has one or two parts of `[a-z0-9-]`, separated by a
 * slash, and at most 80 bytes.
 */
export interface RecordStore {
  /** Longest allowed text, in bytes of UTF-8. */
  readonly maxTextBytes: number
  /** Reads all texts. */
  load(): Promise<readonly StoredText[]>
  /** Sees every write that was answered. @returns undefined if there is no text of this name */
  read(name: string): Promise<StoredText | undefined>
  /**
   * @param version of the text to replace; undefined: the name must be free
   * @returns the new version
   * @throws RecordConflictError if another version is stored; OperationError, `ambiguous` if the write may have
   *   been carried out
   */
  write(name: string, text: string, version: string | undefined): Promise<string>
  /** Succeeds if there is no such text. @throws like write */
  remove(name: string, version: string): Promise<void>
}

export interface StoredText {
  readonly name: string
  readonly text: string
  readonly version: string
}

/** Another process wrote in between, so this process no longer knows what is stored. */
export class RecordConflictError extends Error {
  override readonly name = 'RecordConflictError'
}

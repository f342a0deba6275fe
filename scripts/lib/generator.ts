/** Makes files of the repository from something else. */
export interface Generator {
  readonly name: string
  /** Directory of the repository that holds this generator's files, and nothing else unless it says so. */
  readonly directory: string
  /** The directory holds files of others too. */
  readonly isPartOfDirectory?: boolean
  /** Every file's content, by its path within `directory`. */
  generate(): Promise<ReadonlyMap<string, string>>
}

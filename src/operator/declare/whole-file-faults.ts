/** Why the text of a file is not the text that a person wrote into it. */
export interface WholeFileFault {
  /** Within the text, in UTF-16 units. */
  readonly offset: number
  readonly message: string
}

/** Finds out whether another tool has put something in the place of the file's text. */
export function findWholeFileFault(text: string): WholeFileFault | undefined {
  if (/^version https:\/\/git-lfs\.github\.com\/spec\//.test(text)) {
    return {
      offset: 0,
      message:
        'is a pointer of Git LFS, and its text is elsewhere: run git lfs pull in a folder; in a Git repository, keep declarations out of LFS',
    }
  }
  const conflict = /^<{7}(?: .*)?$/m.exec(text)
  const isConflict = conflict !== null && /^={7}$/m.test(text) && /^>{7}(?: .*)?$/m.test(text)
  if (!isConflict) return undefined
  return {
    offset: conflict.index,
    message: 'has the markers of a merge conflict (<<<<<<<): resolve the conflict and remove them',
  }
}

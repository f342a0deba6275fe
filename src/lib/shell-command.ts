/** Characters that no shell (bash, zsh, fish) gives a meaning of its own inside a word. */
const plainWord = /^[\w@%+:,./-][\w@%+:,./=-]*$/

/**
 * A command line as a person pastes it into bash, zsh or fish: each word is quoted where the shell would read
 * something else. `shellCommand('mooring', 'recreate', 'prod/set[2]')` is `mooring recreate 'prod/set[2]'`.
 * Every command that a message prints with a name or an ID in it goes through here.
 */
export function shellCommand(...words: readonly string[]): string {
  return words.map(quoteWord).join(' ')
}

function quoteWord(word: string): string {
  return plainWord.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

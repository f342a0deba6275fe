/** Left of the mark, at most so many characters are shown. */
const contextWidth = 40

/**
 * One line of a file, with a mark beneath a column. undefined where there is no such line, or where it may hold a secret: the
 * line comes from a file that people write.
 * @param line from 1
 * @param column from 1, in UTF-16 units
 */
export function formatExcerpt(
  text: string,
  line: number,
  column: number,
  width: number,
): string[] | undefined {
  const whole = text.split(/\r?\n/)[line - 1]
  if (whole === undefined || whole.trim() === '' || /secret|password|token|key\b/i.test(whole))
    return undefined
  const start = Math.max(0, Math.min(column - 1 - contextWidth, whole.length - 1))
  const before = `${' '.repeat(Math.max(0, 5 - `${line}`.length))}${line} | `
  // A control character or a tab would move the mark.
  const shown = whole
    .slice(start)
    .replace(/\p{Cc}/gu, ' ')
    .slice(0, width - before.length)
  return [`${before}${shown}`, `${' '.repeat(before.length + Math.max(0, column - 1 - start))}^`]
}

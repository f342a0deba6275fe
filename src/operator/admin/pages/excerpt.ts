/** Lines above and below the marked one. */
const around = 3
const longestLine = 240

/** Stands for a line that may hold a secret. */
export const hiddenLine = '(hidden: it may hold a secret)'

const mayBeSecret = /secret|password|passwd|token|credential|private|\bkey\b|mountFlags/i

/**
 * The lines around a place in a file that people wrote. A line that may hold a secret is hidden, and so is everything that
 * is written beneath it: people write secrets in the wrong places, and that is often the mistake.
 * @param line from 1
 */
export function excerptOf(text: string, line: number): { firstLine: number; lines: string[] } | undefined {
  const all = text.split(/\r?\n/)
  if (line < 1 || line > all.length) return undefined
  const shown = hideSecrets(all)
  const first = Math.max(1, line - around)
  return {
    firstLine: first,
    lines: shown.slice(first - 1, line + around).map((each) => each.slice(0, longestLine)),
  }
}

function hideSecrets(lines: readonly string[]): string[] {
  /** The indentation of the secret line that hides what is beneath it. */
  let hiddenBelow: number | undefined
  return lines.map((line) => {
    const indent = line.length - line.trimStart().length
    const isBlank = line.trim() === ''
    if (
      hiddenBelow !== undefined &&
      (isBlank || indent > hiddenBelow || /^\s*[-}\]]/.test(line)) &&
      !/^---/.test(line)
    )
      return isBlank ? '' : hiddenLine
    hiddenBelow = undefined
    if (!mayBeSecret.test(line)) return line.replace(/\p{Cc}/gu, ' ')
    hiddenBelow = indent
    return hiddenLine
  })
}

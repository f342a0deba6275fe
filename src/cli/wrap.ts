/** The width of a terminal in characters. Some say 0, because nobody told them: then it is 80, as where there is none. */
export function widthOf(terminal: { readonly columns?: number }): number {
  return terminal.columns || 80
}

/** Wraps a text at `width` characters. A word that is longer stands alone in its line. */
export function wrapText(text: string, width: number, indent = '', hanging = indent): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const start = lines.length === 0 ? indent : hanging
    if (line === '') line = `${start}${word}`
    else if (line.length + 1 + word.length > width) {
      lines.push(line)
      line = `${hanging}${word}`
    } else line = `${line} ${word}`
  }
  return [...lines, line]
}

/** Converts an offset in UTF-16 units to a line and a column, both counted from 1. */
export function createPositions(text: string): (offset: number) => { line: number; column: number } {
  const lineStarts = [0]
  for (const { 0: lineBreak, index } of text.matchAll(/\r\n|\r|\n/g))
    lineStarts.push(index + lineBreak.length)
  return (offset) => {
    let line = 0
    for (let above = lineStarts.length; above - line > 1; ) {
      const middle = (line + above) >> 1
      if ((lineStarts[middle] ?? 0) <= offset) line = middle
      else above = middle
    }
    return { line: line + 1, column: offset - (lineStarts[line] ?? 0) + 1 }
  }
}

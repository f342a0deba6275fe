import { StringDecoder } from 'node:string_decoder'

/** Longer lines are no events, and would take all memory. */
const longestLine = 64 * 2 ** 20

/**
 * The lines of a stream, each as soon as it is complete. Blank lines are left out, and so is what follows the last
 * line break.
 * @throws Error where a line is longer than `limit` characters
 */
export async function* readLines(
  chunks: AsyncIterable<Buffer>,
  limit: number = longestLine,
): AsyncGenerator<string, void> {
  const decoder = new StringDecoder('utf8')
  // A long line comes in many chunks: they are joined once.
  let parts: string[] = []
  let length = 0
  for await (const chunk of chunks) {
    const text = decoder.write(chunk)
    let from = 0
    for (let to = text.indexOf('\n'); to >= 0; to = text.indexOf('\n', from)) {
      parts.push(text.slice(from, to))
      const line = parts.join('')
      parts = []
      length = 0
      from = to + 1
      if (line.trim() !== '') yield line
    }
    if (from === text.length) continue
    parts.push(text.slice(from))
    length += text.length - from
    if (length > limit) throw new Error(`a line of the stream is longer than ${limit} characters`)
  }
}

import { StringDecoder } from 'node:string_decoder'

/** The lines of a stream as they are complete; what stands after the last line break is dropped with the stream. */
export async function* readLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<string, void> {
  const decoder = new StringDecoder('utf8')
  // A long line comes in many chunks: they are joined once.
  let parts: string[] = []
  for await (const chunk of chunks) {
    const text = decoder.write(chunk)
    let from = 0
    for (let to = text.indexOf('\n'); to >= 0; to = text.indexOf('\n', from)) {
      parts.push(text.slice(from, to))
      const line = parts.join('')
      parts = []
      from = to + 1
      if (line.trim() !== '') yield line
    }
    if (from < text.length) parts.push(text.slice(from))
  }
}

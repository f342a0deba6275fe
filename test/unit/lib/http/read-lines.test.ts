import fc from 'fast-check'
import { expect, it } from 'vitest'
import { readLines } from '../../../../src/lib/http/read-lines.ts'

async function linesOf(chunks: readonly Buffer[]): Promise<string[]> {
  async function* stream() {
    yield* chunks
  }
  const lines: string[] = []
  for await (const line of readLines(stream())) lines.push(line)
  return lines
}

it('gives the same lines however the stream is cut', async () => {
  const line = fc
    .string({ unit: 'grapheme', minLength: 1 })
    .filter((text) => !/\n/.test(text) && text.trim() !== '')
  await fc.assert(
    fc.asyncProperty(fc.array(line), fc.array(fc.nat(200)), async (lines, cuts) => {
      const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''))
      const places = [...new Set(cuts.map((cut) => Math.min(cut, bytes.length)))].sort((a, b) => a - b)
      const chunks = [0, ...places].map((from, index) => bytes.subarray(from, places[index] ?? bytes.length))
      expect(await linesOf(chunks)).toEqual(lines)
    }),
    { numRuns: 100 },
  )
})

it('gives no line that was cut short, and no empty one', async () => {
  expect(await linesOf([Buffer.from('one\n\n  \r\ntwo\nthr')])).toEqual(['one', 'two'])
})

it('refuses a line without end', async () => {
  async function* stream() {
    for (;;) yield Buffer.from('x'.repeat(1000))
  }
  await expect(readLines(stream(), 10_000).next()).rejects.toThrow('longer than 10000 characters')
})

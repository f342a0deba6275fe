import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { createDeflate, createGzip, deflate, gzip } from 'node:zlib'
import { createBreather } from '../../lib/breather.ts'
import { parseJSON, stringifyJSON } from '../../lib/json.ts'
import type { ApiAnswer, JSONElements } from './api.ts'

/** Of a longer array each piece of so many characters is sent as it is made. */
const pieceLength = 128 * 1024

export type Coding = 'gzip' | 'deflate' | undefined

const whole = { gzip: promisify(gzip), deflate: promisify(deflate) }
const piecewise = { gzip: createGzip, deflate: createDeflate }

/** An answer's JSON in the coding that is asked for, whole where it is short; undefined: the answer has no body. */
export async function writeBody(
  { body, elements }: ApiAnswer,
  isPretty: boolean,
  coding: Coding,
): Promise<Buffer | Readable | undefined> {
  if (elements === undefined) {
    if (body === undefined) return undefined
    return await encodeWhole(isPretty ? `${stringifyJSON(body, 4)}\n` : stringifyJSON(body), coding)
  }
  const pieces = writePieces(elements, isPretty)
  const first = await pieces.next()
  const second = await pieces.next()
  if (second.done) return await encodeWhole(first.value ?? '', coding)
  const rest = Readable.from(joined([first.value ?? '', second.value], pieces), { objectMode: true })
  return coding === undefined ? rest : rest.pipe(piecewise[coding]())
}

async function encodeWhole(text: string, coding: Coding): Promise<Buffer> {
  return coding === undefined ? Buffer.from(text) : await whole[coding](text)
}

async function* joined(first: readonly string[], rest: AsyncIterable<string>): AsyncGenerator<Buffer> {
  for (const piece of first) yield Buffer.from(piece)
  for await (const piece of rest) yield Buffer.from(piece)
}

async function* writePieces({ rows, write }: JSONElements, isPretty: boolean): AsyncGenerator<string> {
  const breathe = createBreather()
  const element = isPretty ? (row: unknown) => indent(write(row)) : write
  const separator = isPretty ? ',\n' : ','
  let piece = isPretty && rows.length > 0 ? '[\n' : '['
  let isFirst = true
  for (const row of rows) {
    if (piece.length > pieceLength) {
      yield piece
      piece = ''
      await breathe()
    }
    piece += isFirst ? element(row) : separator + element(row)
    isFirst = false
  }
  if (isPretty) yield rows.length > 0 ? `${piece}\n]\n` : `${piece}]\n`
  else yield `${piece}]`
}

/** One element as it stands in an array that is written with an indentation. */
const indent = (json: string) => stringifyJSON([parseJSON(json)], 4).slice('[\n'.length, -'\n]'.length)

import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { createDeflate, createGzip, deflate, gzip } from 'node:zlib'
import { nextSlice } from '../../lib/breather.ts'
import { parseJSON, stringifyJSON } from '../../lib/json.ts'
import type { ApiAnswer, JSONElements } from './api.ts'

/**
 * An array of more elements is written piece by piece, each of about so many characters, as it is sent. Pieces that are
 * larger get memory of their own from the system, again and again, which takes twice the time.
 */
const mostAtOnce = 256
const pieceLength = 32 * 1024

export type Coding = 'gzip' | 'deflate' | undefined

const whole = { gzip: promisify(gzip), deflate: promisify(deflate) }
const piecewise = { gzip: createGzip, deflate: createDeflate }

/** An answer's JSON in the coding that is asked for, whole where it is short; undefined: the answer has no body. */
export function writeBody(
  { body, json, elements }: ApiAnswer,
  isPretty: boolean,
  coding: Coding,
): string | Promise<Buffer> | Readable | undefined {
  if (elements === undefined && json === undefined && body === undefined) return undefined
  if (elements !== undefined && elements.rows.length > mostAtOnce) {
    const pieces = new ArrayPieces(elements, isPretty)
    return coding === undefined ? pieces : pieces.pipe(piecewise[coding]())
  }
  const value = json ?? (elements === undefined ? stringifyJSON(body) : writeArray(elements))
  const text = isPretty ? `${stringifyJSON(parseJSON(value), 4)}\n` : value
  return coding === undefined ? text : whole[coding](text)
}

function writeArray({ rows, write }: JSONElements): string {
  const parts: string[] = []
  for (const row of rows) write(row, parts)
  return `[${parts.join()}]`
}

class ArrayPieces extends Readable {
  readonly #elements: JSONElements
  readonly #isPretty: boolean
  #next = 0
  #sliceEndsMs = 0

  constructor(elements: JSONElements, isPretty: boolean) {
    super({ highWaterMark: pieceLength })
    this.#elements = elements
    this.#isPretty = isPretty
  }

  override _read(): void {
    if (performance.now() < this.#sliceEndsMs) {
      this.#pushPiece()
      return
    }
    void nextSlice().then((endMs) => {
      this.#sliceEndsMs = endMs
      if (!this.destroyed) this.#pushPiece()
    })
  }

  #pushPiece(): void {
    const { rows, write } = this.#elements
    const begin = this.#next === 0 ? '[' : ','
    const parts: string[] = []
    let length = 0
    let written = 0
    while (length < pieceLength && this.#next < rows.length) {
      write(rows[this.#next++], parts)
      for (; written < parts.length; written++) length += parts[written]?.length ?? 0
    }
    const isLast = this.#next === rows.length
    if (this.#isPretty) {
      const lines = stringifyJSON(parseJSON(`[${parts.join()}]`), 4).slice(1, -'\n]'.length)
      this.push(Buffer.from(`${begin}${lines}${isLast ? '\n]\n' : ''}`))
    } else {
      this.push(Buffer.from(`${begin}${parts.join()}${isLast ? ']' : ''}`))
    }
    if (isLast) this.push(null)
  }
}

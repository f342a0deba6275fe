import { type HclFault, type HclToken, tokenizeHcl } from './hcl-tokens.ts'

/** A value of HCL1 or JSON. Numbers stay text, so that no digit is lost. */
export type HclValue = { readonly offset: number } & (
  | { readonly type: 'string' | 'number'; readonly text: string }
  | { readonly type: 'boolean'; readonly value: boolean }
  | { readonly type: 'null' }
  | { readonly type: 'list'; readonly items: readonly HclValue[] }
  | { readonly type: 'object'; readonly items: readonly HclItem[] }
)
export type HclObject = Extract<HclValue, { type: 'object' }>

/** `key = value`, or a block: `key { … }`, `key "label" { … }`. */
export interface HclItem {
  readonly key: string
  /** The offset of the key. */
  readonly offset: number
  readonly labels: readonly string[]
  readonly value: HclValue
}

/** More than any specification needs. It limits the recursion. */
const maxDepth = 50

class SyntaxFault extends Error {
  readonly offset: number
  constructor(message: string, offset: number) {
    super(message)
    this.offset = offset
  }
}

/**
 * Parses a file of HCL1, or one JSON object, with the place of every value. HCL2 is a fault. It never throws, and no
 * message quotes the text.
 */
export function parseHcl(text: string): HclObject | HclFault {
  const { tokens, fault } = tokenizeHcl(text)
  const parser = createParser(tokens, fault ?? { offset: text.length, message: 'the file ends too early' })
  try {
    const isJson = tokens[0]?.text === '{' && tokens[0].kind === 'punctuation'
    const root = isJson ? parser.value(0) : parser.object(0, undefined, 0)
    const next = parser.next()
    if (fault !== undefined) return fault
    if (next !== undefined)
      return { offset: next.offset, message: 'something follows after the end: remove it' }
    return root.type === 'object' ? root : { offset: 0, message: 'the file is not an object' }
  } catch (error) {
    if (!(error instanceof SyntaxFault)) throw error
    return { offset: error.offset, message: error.message }
  }
}

function createParser(tokens: readonly HclToken[], atEnd: HclFault) {
  let position = 0
  const peek = (): HclToken | undefined => tokens[position]
  const next = (): HclToken | undefined => tokens[position++]
  const is = (token: HclToken | undefined, ...texts: string[]) =>
    token?.kind === 'punctuation' && texts.includes(token.text)
  const refuse = (token: HclToken | undefined, expected: string): never => {
    if (token === undefined) throw new SyntaxFault(atEnd.message, atEnd.offset)
    throw new SyntaxFault(`expected ${expected} here`, token.offset)
  }
  const skipComma = () => {
    if (is(peek(), ',')) position++
  }

  /** @param end the closing brace; undefined for the end of the file */
  function object(offset: number, end: '}' | undefined, depth: number): HclObject {
    const items: HclItem[] = []
    for (;;) {
      const token = peek()
      if (end === undefined ? token === undefined : is(token, end)) {
        position++
        return { type: 'object', offset, items }
      }
      items.push(item(depth))
      skipComma()
    }
  }

  function item(depth: number): HclItem {
    const key = next()
    if (key?.kind !== 'identifier' && key?.kind !== 'string') return refuse(key, 'a key')
    const labels: string[] = []
    while (peek()?.kind === 'string') labels.push(next()?.text ?? '')
    const isAssigned = labels.length === 0 && is(peek(), '=', ':')
    if (isAssigned) position++
    else if (!is(peek(), '{')) return refuse(peek(), '= and a value, or a block in { }')
    return { key: key.text, offset: key.offset, labels, value: value(depth + 1) }
  }

  function value(depth: number): HclValue {
    const token = next()
    if (token === undefined) return refuse(token, 'a value')
    const { offset } = token
    if (depth > maxDepth) throw new SyntaxFault('is nested too deeply', offset)
    if (token.kind === 'string' || token.kind === 'number')
      return { type: token.kind, text: token.text, offset }
    if (is(token, '{')) return object(offset, '}', depth)
    if (is(token, '[')) return list(offset, depth)
    if (token.text === 'true' || token.text === 'false')
      return { type: 'boolean', value: token.text === 'true', offset }
    if (token.text === 'null') return { type: 'null', offset }
    return refuse(token, 'a value: put text in quotes; expressions are not supported')
  }

  function list(offset: number, depth: number): HclValue {
    const items: HclValue[] = []
    for (;;) {
      if (is(peek(), ']')) {
        position++
        return { type: 'list', offset, items }
      }
      items.push(value(depth + 1))
      if (!is(peek(), ']') && !is(peek(), ',')) return refuse(peek(), ', or ]')
      skipComma()
    }
  }

  return { object, value, next }
}

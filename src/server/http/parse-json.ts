/** What is wrong with a text that has to be JSON. Its message names the place, and holds nothing of the text. */
export class JSONFault extends Error {
  override readonly name = 'JSONFault'
}

/** A number with a fraction or an exponent. No field takes one, and Go's decoder does not round it to an integer. */
export class NotAnInteger {}

/** Arrays and objects nest no deeper: the parser calls itself for each. */
const deepestNesting = 200

const blank = /[ \t\n\r]*/y
const string = /"(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})|[\u007f-\u009f])*"/uy
const integer = /-?(?:0|[1-9]\d*)(?![\d.eE])/y
const otherNumber = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const literals: readonly (readonly [string, RegExp, unknown])[] = [
  ['t', /true\b/y, true],
  ['f', /false\b/y, false],
  ['n', /null\b/y, null],
]

/**
 * Reads JSON as strictly as RFC 8259 allows: integers stay exact (a bigint beyond 2^53), and a name that stands twice
 * in an object is refused, because readers differ in which of the two they take. A name `__proto__` is a name.
 * @throws JSONFault
 */
export function parseStrictJSON(text: string): unknown {
  let at = 0
  let depth = 0

  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0]
    if (found !== undefined) at = pattern.lastIndex
    return found
  }
  const skipBlanks = () => {
    if (text.charCodeAt(at) <= 0x20) take(blank)
  }
  const refuse = (what: string, place = at): never => {
    const before = text.slice(0, place).split('\n')
    const column = (before.at(-1) ?? '').length + 1
    throw new JSONFault(`line ${before.length}, column ${column}: ${what}`)
  }
  const want = (what: string): never => {
    if (at >= text.length) return refuse(`the text ends where ${what} should stand`)
    if (text[at] === "'") return refuse(`want ${what}; JSON has text in double quotes`)
    return refuse(`want ${what}`)
  }
  /** The separator, or the end. @returns whether another element follows */
  const more = (end: ']' | '}', what: string): boolean => {
    skipBlanks()
    if (text[at] === end) {
      at++
      return false
    }
    if (text[at] !== ',') return want(`"," or "${end}"`)
    const comma = at++
    skipBlanks()
    if (text[at] === end) return refuse(`there is a comma before "${end}", and no ${what} after it`, comma)
    return true
  }
  const parseString = (what: string): string => {
    const start = at
    const quoted = take(string)
    if (quoted !== undefined) return JSON.parse(quoted)
    if (text[start] !== '"') return want(what)
    at = start + 1
    take(/(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})|[\u007f-\u009f])*/uy)
    if (at >= text.length) return refuse('the text in quotes has no end', start)
    return refuse(
      text[at] === '\\'
        ? 'an escape that JSON does not have'
        : 'a control character in quotes; write it as an escape',
    )
  }
  const parseNumber = (): unknown => {
    const digits = take(integer)
    if (digits !== undefined) {
      const value = Number(digits)
      return Number.isSafeInteger(value) ? value : BigInt(digits)
    }
    return take(otherNumber) === undefined ? want('a value') : new NotAnInteger()
  }
  const parseArray = (): unknown[] => {
    const items: unknown[] = []
    at++
    skipBlanks()
    if (text[at] === ']') {
      at++
      return items
    }
    do items.push(parseValue())
    while (more(']', 'element'))
    return items
  }
  const parseObject = (): object => {
    const entries = new Map<string, unknown>()
    at++
    skipBlanks()
    if (text[at] === '}') {
      at++
      return {}
    }
    do {
      const place = at
      const name = parseString('a name in double quotes')
      if (entries.has(name)) refuse('the name stands twice in one object', place)
      skipBlanks()
      if (text[at] !== ':') want('":" after the name')
      at++
      entries.set(name, parseValue())
    } while (more('}', 'name'))
    // Object.fromEntries defines its properties, so that a name `__proto__` is a name like any other.
    return Object.fromEntries(entries)
  }
  const parseValue = (): unknown => {
    skipBlanks()
    const first = text[at]
    if (first === '"') return parseString('a value')
    if (first === '{' || first === '[') {
      if (++depth > deepestNesting) refuse(`nested deeper than ${deepestNesting} levels`)
      const value = first === '{' ? parseObject() : parseArray()
      depth--
      return value
    }
    for (const [letter, pattern, value] of literals)
      if (first === letter && take(pattern) !== undefined) return value
    return parseNumber()
  }

  const value = parseValue()
  skipBlanks()
  if (at < text.length) refuse('something follows the value')
  return value
}

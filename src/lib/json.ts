/** An integer of up to 64 bits as JSON carries it: a number where that is exact, else a bigint. */
export type Int64 = number | bigint

// Node 24 has both sides of the "JSON.parse source text access" proposal; TypeScript's library does not yet.
interface RawJSON {
  rawJSON(text: string): object
}

/** What 2^53 has at least. */
const longDigits = /\d{16}/

/** An integer that is the value of a field: no string holds a word character, a bare quote and a colon. */
const longField = /(?<=\w"\s*:\s*)-?[1-9]\d{15,}(?=\s*[,}])/g

/**
 * JSON.parse that keeps integers beyond 2^53 exact, as bigint.
 * @throws SyntaxError as JSON.parse does
 */
export function parseJSON(text: string): unknown {
  if (!longDigits.test(text)) return JSON.parse(text)
  // A reviver, which is asked about each value, takes ten times as long as a list of thousands does otherwise.
  const integers: Int64[] = []
  const marked = text.replace(longField, (digits) => {
    const number = Number(digits)
    integers.push(Number.isSafeInteger(number) ? number : BigInt(digits))
    return `"${escapedMark}${integers.length - 1}"`
  })
  // A number elsewhere, such as in an array, or a string that could be taken for one of ours.
  const isPlain = !longDigits.test(marked) && !text.includes(escapedMark)
  if (!isPlain) return JSON.parse(text, keepExact)
  const value: object = JSON.parse(marked) // The field has to be of something.
  putIntegers(value, integers)
  return value
}

/** Begins the strings that stand for integers: JSON has this character in no other form. */
const escapedMark = '\\u0000'
const mark = '\0'

function putIntegers(container: object, integers: readonly Int64[]): void {
  const fields = container as Record<string, unknown>
  for (const key in fields) {
    const value = fields[key]
    if (typeof value === 'object' && value !== null) putIntegers(value, integers)
    else if (typeof value === 'string' && value.startsWith(mark))
      fields[key] = integers[Number(value.slice(1))]
  }
}

function keepExact(_key: string, value: unknown, context?: { source?: string }): unknown {
  const isInexact = typeof value === 'number' && !Number.isSafeInteger(value)
  const { source } = context ?? {}
  return isInexact && source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : value
}

/** JSON.stringify that writes a bigint as the integer that it is. */
export function stringifyJSON(value: unknown, indent?: number): string {
  const writeExact = (_key: string, item: unknown) =>
    typeof item === 'bigint' ? (JSON as unknown as RawJSON).rawJSON(item.toString()) : item
  return JSON.stringify(value, writeExact, indent)
}

/** An integer of up to 64 bits: a number where that is exact, otherwise a bigint. */
export type Int64 = number | bigint

// Node 24 has the "JSON.parse source text access" proposal; TypeScript's library has not yet.
interface RawJSON {
  rawJSON(text: string): object
}

/** 2^53 has 16 digits. */
const longDigits = /\d{16}/

/** A long integer that is the value of a field. Within a string, a quote would have a backslash before it. */
const longField = /(?<=\w"\s*:\s*)-?[1-9]\d{15,}(?=\s*[,}])/g

/**
 * Like JSON.parse, but integers beyond 2^53 become exact bigints.
 * @throws SyntaxError as JSON.parse does
 */
export function parseJSON(text: string): unknown {
  if (!longDigits.test(text)) return JSON.parse(text)
  // A reviver runs for each value and takes ten times as long, so the long integers are marked in the text first.
  const integers: Int64[] = []
  const marked = text.replace(longField, (digits) => {
    const number = Number(digits)
    integers.push(Number.isSafeInteger(number) ? number : BigInt(digits))
    return `"${escapedMark}${integers.length - 1}"`
  })
  // A long number elsewhere, such as in an array, or a string that looks like a mark.
  const isPlain = !longDigits.test(marked) && !text.includes(escapedMark)
  if (!isPlain) return JSON.parse(text, keepExact)
  const value: object = JSON.parse(marked) // A field needs an object around it.
  putIntegers(value, integers)
  return value
}

/** Begins the strings that stand for integers. JSON writes this character only so. */
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

/** Like JSON.stringify, but a bigint becomes an integer. */
export function stringifyJSON(value: unknown, indent?: number): string {
  const writeExact = (_key: string, item: unknown) =>
    typeof item === 'bigint' ? (JSON as unknown as RawJSON).rawJSON(item.toString()) : item
  return JSON.stringify(value, writeExact, indent)
}

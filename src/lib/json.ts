/** An integer of up to 64 bits as JSON carries it: a number where that is exact, else a bigint. */
export type Int64 = number | bigint

// Node 24 has both sides of the "JSON.parse source text access" proposal; TypeScript's library does not yet.
interface RawJSON {
  rawJSON(text: string): object
}

/**
 * JSON.parse that keeps integers beyond 2^53 exact, as bigint.
 * @throws SyntaxError as JSON.parse does
 */
export function parseJSON(text: string): unknown {
  // A reviver is slow, and an integer beyond 2^53 has 16 digits or more.
  if (!/\d{16}/.test(text)) return JSON.parse(text)
  const keepExact = (_key: string, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' &&
    !Number.isSafeInteger(value) &&
    context?.source !== undefined &&
    /^-?\d+$/.test(context.source)
      ? BigInt(context.source)
      : value
  // 2^53 has 16 digits. A parse that asks about each value takes several times as long.
  return /\d{16}/.test(text) ? JSON.parse(text, keepExact) : JSON.parse(text)
}

/** JSON.stringify that writes a bigint as the integer that it is. */
export function stringifyJSON(value: unknown, indent?: number): string {
  const writeExact = (_key: string, item: unknown) =>
    typeof item === 'bigint' ? (JSON as unknown as RawJSON).rawJSON(item.toString()) : item
  return JSON.stringify(value, writeExact, indent)
}

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

/** Reads a Go duration (`30s`, `1h30m`, `0`) as milliseconds; undefined where Go would refuse it. */
export function parseGoDurationMs(text: string): number | undefined {
  const [, sign, rest = ''] = /^([+-]?)(.*)$/s.exec(text) ?? []
  if (rest === '0') return 0
  if (!/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(rest)) return undefined
  let totalMs = 0
  for (const [, amount, unit] of rest.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    totalMs += Number(amount) * (unitMs[unit ?? ''] ?? 0)
  }
  return sign === '-' ? -totalMs : totalMs
}

/** Reads a boolean as Go's strconv.ParseBool does; undefined where that would refuse it. */
export function parseGoBoolean(text: string): boolean | undefined {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text)) return false
  return undefined
}

/**
 * Reads an integer as Go's strconv.ParseInt does with base 0: `0x1f`, `0b1`, `0o7`, `017`, `1_000`. Undefined where
 * that would refuse it.
 * @param unsigned as ParseUint: no sign, and up to 2^64 - 1
 */
export function parseGoInteger(text: string, unsigned = false): bigint | undefined {
  const [, sign = '', prefix = '', digits = ''] = /^([+-]?)(0[xX]|0[bB]|0[oO]|)(.*)$/s.exec(text) ?? []
  if (unsigned && sign !== '') return undefined
  const isOctal = prefix === '' && digits.length > 1 && digits.startsWith('0')
  const base = isOctal ? '0o' : prefix.toLowerCase()
  // An underscore stands between digits, or between the base and a digit.
  if (!/^_?[0-9a-f]+(?:_[0-9a-f]+)*$/i.test(digits) || (prefix === '' && digits.startsWith('_')))
    return undefined
  const allowed = { '': /^[0-9]+$/, '0x': /^[0-9a-f]+$/i, '0b': /^[01]+$/, '0o': /^[0-7]+$/ }[base]
  const plain = digits.replaceAll('_', '')
  if (!allowed?.test(plain)) return undefined
  const value = BigInt(base + plain) * (sign === '-' ? -1n : 1n)
  const [least, most] = unsigned ? [0n, 2n ** 64n - 1n] : [-(2n ** 63n), 2n ** 63n - 1n]
  return value < least || value > most ? undefined : value
}

const simpleEscapes: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
}

/** Reads what stands between double quotes as Go's strconv.Unquote does; undefined where that would refuse it. */
export function unquoteGo(quoted: string): string | undefined {
  if (quoted.includes('\n')) return undefined
  const bytes: Buffer[] = []
  const pattern =
    /([^\\]+)|\\(?:([abfnrtv\\"])|x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/suy
  while (pattern.lastIndex < quoted.length) {
    const match = pattern.exec(quoted)
    if (match === null) return undefined
    const [, plain, simple, hex, octal, short, long] = match
    const byte = hex === undefined ? Number.parseInt(octal ?? '', 8) : Number.parseInt(hex, 16)
    if (plain !== undefined) bytes.push(Buffer.from(plain))
    else if (simple !== undefined) bytes.push(Buffer.from(simpleEscapes[simple] ?? ''))
    else if (short !== undefined || long !== undefined) {
      const point = Number.parseInt(short ?? long ?? '', 16)
      if (point > 0x10_ffff || (point >= 0xd800 && point <= 0xdfff)) return undefined
      bytes.push(Buffer.from(String.fromCodePoint(point)))
    } else if (byte > 255) return undefined
    else bytes.push(Buffer.of(byte))
  }
  return Buffer.concat(bytes).toString('utf8')
}

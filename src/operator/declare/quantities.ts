import { UsageError } from '../../lib/errors.ts'

/** The suffixes of a Kubernetes quantity that make sense for bytes. */
const units: ReadonlyMap<string, bigint> = new Map([
  ['', 1n],
  ['k', 10n ** 3n],
  ['M', 10n ** 6n],
  ['G', 10n ** 9n],
  ['T', 10n ** 12n],
  ['P', 10n ** 15n],
  ['E', 10n ** 18n],
  ['Ki', 2n ** 10n],
  ['Mi', 2n ** 20n],
  ['Gi', 2n ** 30n],
  ['Ti', 2n ** 40n],
  ['Pi', 2n ** 50n],
  ['Ei', 2n ** 60n],
])

/**
 * The form of what `parseQuantity` accepts, for those who can only check a pattern. It also matches 0 and values beyond
 * int64.
 */
export const quantityPattern = `^[+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{1,2}|[kMGTPE]|[KMGTPE]i)?$`

/** Nomad and CSI have int64 for capacities. */
const largestBytes = 2n ** 63n - 1n

/** No exact size is longer, and a hostile file of this length costs nothing. */
export const longestQuantity = 64

/**
 * Parses a Kubernetes quantity (`10Gi`, `1.5Gi`, `500M`, `1e3`, `128974848`) or a number of bytes. It is exact, and rounds a
 * fraction of a byte up, like Kubernetes. It refuses the suffixes `m`, `u` and `n`: `500m` is half a byte, which nobody
 * means.
 * @returns bytes, from 0 to 2^63-1
 * @throws UsageError that says what to write instead
 */
export function parseQuantity(written: string | number): bigint {
  const text = String(written)
  const bytes = text.length > longestQuantity ? undefined : readQuantity(text)
  if (bytes === undefined) throw new UsageError(`${shorten(text)} is not a quantity: ${remedy(text)}`)
  if (bytes < 0n) throw new UsageError(`${shorten(text)} is negative: a capacity is 0 or more bytes`)
  if (bytes > largestBytes) {
    throw new UsageError(`${shorten(text)} is too large: at most ${largestBytes} bytes (8Ei less one byte)`)
  }
  return bytes
}

/**
 * The shortest quantity for exactly this many bytes, with binary suffixes first: 10737418240n is `10Gi`, 1500000n is
 * `1500k`, 1001n is `1001`.
 */
export function formatQuantity(bytes: bigint): string {
  let shortest = bytes.toString()
  // From the largest unit down, binary before decimal: `1Gi`, not `1024Mi`.
  for (const [suffix, size] of [...units].reverse()) {
    const candidate = `${bytes / size}${suffix}`
    if (bytes !== 0n && bytes % size === 0n && candidate.length < shortest.length) shortest = candidate
  }
  return shortest
}

/** The same for a sentence: `10Gi`, and `1001 bytes`. */
export function formatBytes(bytes: bigint): string {
  const quantity = formatQuantity(bytes)
  return /\d$/.test(quantity) ? `${quantity} bytes` : quantity
}

/** undefined where it is no quantity. The result may be negative or beyond int64. */
function readQuantity(text: string): bigint | undefined {
  const match = /^([+-]?)(\d+\.?\d*|\.\d+)(?:[eE]([+-]?\d{1,3})|([A-Za-z]*))$/.exec(text)
  if (match === null) return undefined
  const [, sign, decimal = '', exponent = '0', suffix = ''] = match
  const unit = units.get(suffix)
  if (unit === undefined) return undefined
  const [whole = '', fraction = ''] = decimal.split('.')
  const scale = Number(exponent) - fraction.length
  const amount = BigInt(whole + fraction) * unit * 10n ** BigInt(Math.max(0, scale))
  const divisor = 10n ** BigInt(Math.max(0, -scale))
  const bytes = (amount + divisor - 1n) / divisor
  return sign === '-' ? -bytes : bytes
}

function remedy(text: string): string {
  const suggestion = suggest(text)
  return suggestion === undefined
    ? 'write bytes, or a number with one of k, M, G, T, P, E, Ki, Mi, Gi, Ti, Pi, Ei, such as 10Gi'
    : `write ${suggestion}`
}

/** The quantity for a size in Nomad's spelling (`10GiB`, `10 GB`, `500m`), which ignores case and may end in B. */
function suggest(text: string): string | undefined {
  const match = /^(\d{1,19}(?:\.\d{1,19})?)\s*([kmgtpe]?)(i?)(?:b|bytes?)?$/i.exec(text.trim())
  if (match === null) return undefined
  const [, amount = '', prefix = '', binary = ''] = match
  const letter = prefix.toLowerCase() === 'k' && binary === '' ? 'k' : prefix.toUpperCase()
  const suggestion = `${amount}${letter}${binary.toLowerCase()}`
  return readQuantity(suggestion) === undefined ? undefined : suggestion
}

function shorten(text: string): string {
  return JSON.stringify(text.length > longestQuantity ? `${text.slice(0, longestQuantity)}…` : text)
}

import type { CapacityRange__Output } from '../csi/generated/csi/v1/CapacityRange.ts'
import { invalidArgument, outOfRange } from './driver-error.ts'

/** What a volume gets whose request says nothing: this, but no more than this share of what is left. */
const defaultBytes = 2 ** 30
const defaultShare = 1 / 16

/** Block volumes are whole pages, so that any sector size fits. */
const blockUnitBytes = 4096

/** The bounds of a capacity_range; 0 stands for none. */
export interface CapacityBounds {
  readonly requiredBytes: number
  readonly limitBytes: number
}

/**
 * @throws DriverError INVALID_ARGUMENT where the bounds contradict each other, OUT_OF_RANGE beyond 2^53
 */
export function parseCapacityRange(range: CapacityRange__Output | null): CapacityBounds {
  const requiredBytes = range?.requiredBytes ?? 0n
  const limitBytes = range?.limitBytes ?? 0n
  if (requiredBytes < 0n || limitBytes < 0n) throw invalidArgument('capacity_range holds a negative number')
  if (limitBytes !== 0n && limitBytes < requiredBytes) {
    throw invalidArgument('capacity_range: limit_bytes is less than required_bytes')
  }
  if (requiredBytes > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw outOfRange(`capacity_range: no pool holds ${requiredBytes} bytes`)
  }
  const cap = BigInt(Number.MAX_SAFE_INTEGER)
  return {
    requiredBytes: Number(requiredBytes),
    limitBytes: Number(limitBytes > cap ? cap : limitBytes),
  }
}

/**
 * The capacity for a volume that has to hold at least `leastBytes` (its source, or its present size).
 * `isLeastFull`: its content takes all of that.
 * @throws DriverError OUT_OF_RANGE where the limit leaves no room for that
 */
export function chooseCapacity(
  { requiredBytes, limitBytes }: CapacityBounds,
  {
    leastBytes,
    isLeastFull = false,
    availableBytes,
    kind,
  }: { leastBytes: number; isLeastFull?: boolean; availableBytes: number; kind: 'mount' | 'block' },
): number {
  const undecided = Math.min(
    Math.max(1, Math.floor(Math.min(defaultBytes, availableBytes * defaultShare))),
    limitBytes === 0 ? defaultBytes : limitBytes,
  )
  // A volume that is full when it is made is of no use, so nobody gets one who did not ask for it.
  const least = requiredBytes === 0 && (leastBytes === 0 || isLeastFull) ? undecided : requiredBytes
  const bytes = Math.max(least, leastBytes)
  const capacityBytes = kind === 'block' ? Math.ceil(bytes / blockUnitBytes) * blockUnitBytes : bytes
  if (limitBytes !== 0 && capacityBytes > limitBytes) {
    throw outOfRange(`capacity_range: limit_bytes ${limitBytes} leaves no room for ${capacityBytes} bytes`)
  }
  return capacityBytes
}

/** Whether a capacity that is already there satisfies a request. */
export function satisfies(capacityBytes: number, { requiredBytes, limitBytes }: CapacityBounds): boolean {
  return capacityBytes >= requiredBytes && (limitBytes === 0 || capacityBytes <= limitBytes)
}

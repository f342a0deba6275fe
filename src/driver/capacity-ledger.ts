import { outOfRange, resourceExhausted } from './driver-error.ts'

/** What takes space from the pool: `volume:<id>` or `snapshot:<id>`. */
export type Holder = `volume:${string}` | `snapshot:${string}`

export interface Claim {
  readonly holder: Holder
  /** What the holder has from now on, altogether. */
  readonly bytes: number
}

/**
 * The pool's books: what volumes were promised and what snapshots take, against what there is. Everything
 * that takes space reserves it here before its first await, so that calls at the same time cannot all have
 * the same bytes.
 */
export interface CapacityLedger {
  /** Of the whole pool, in bytes. */
  totalBytes(): number
  /** What nobody has yet, in bytes. Never negative. */
  availableBytes(): number
  /** What a holder has, in bytes. 0: nothing. */
  bytesOf(holder: Holder): number
  /**
   * Sets what each holder has: all of the claims or none. The function that it gives puts each holder back
   * to what it had before.
   * @throws DriverError OUT_OF_RANGE beyond the whole pool, RESOURCE_EXHAUSTED beyond what is left
   */
  reserve(claims: readonly Claim[]): () => void
  /** Sets what a holder has without asking: for what is on the disk already. 0 takes it out of the books. */
  record(claim: Claim): void
}

/** @param totalBytes what there is, asked for each time: a file system may grow */
export function createCapacityLedger(totalBytes: () => number): CapacityLedger {
  const held = new Map<Holder, number>()
  let heldBytes = 0
  const bytesOf = (holder: Holder) => held.get(holder) ?? 0
  const record = ({ holder, bytes }: Claim) => {
    heldBytes += bytes - bytesOf(holder)
    if (bytes === 0) held.delete(holder)
    else held.set(holder, bytes)
  }
  return {
    totalBytes,
    availableBytes: () => Math.max(0, totalBytes() - heldBytes),
    bytesOf,
    record,
    reserve(claims) {
      const before = claims.map(({ holder }) => ({ holder, bytes: bytesOf(holder) }))
      const moreBytes = claims.reduce((sum, { holder, bytes }) => sum + bytes - bytesOf(holder), 0)
      const totalNow = totalBytes()
      const leftBytes = Math.max(0, totalNow - heldBytes)
      // What needs nothing more is never refused, not even in a pool that was made smaller.
      if (moreBytes > 0) {
        const wantedBytes = claims.reduce((sum, { bytes }) => sum + bytes, 0)
        if (wantedBytes > totalNow) {
          throw outOfRange(`${wantedBytes} bytes are more than the whole pool, which has ${totalNow}`)
        }
        if (moreBytes > leftBytes) {
          throw resourceExhausted(`the pool has ${leftBytes} bytes left of the ${moreBytes} wanted`)
        }
      }
      for (const claim of claims) record(claim)
      return () => {
        for (const claim of before) record(claim)
      }
    },
  }
}

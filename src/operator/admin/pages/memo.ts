import type { SteadyClock } from '../../../lib/clock.ts'

/** How long an answer is kept although nothing changed: some of it depends on the time. */
const longestMs = 5_000
const mostKept = 200

/** Keeps what was made last, so that many who ask for the same at once cost one. */
export function createMemo(
  version: () => number,
  clock: Pick<SteadyClock, 'monotonicMs'>,
): <Result>(name: string, make: () => Result) => Result {
  const kept = new Map<
    string,
    { readonly version: number; readonly madeMs: number; readonly result: unknown }
  >()
  return <Result>(name: string, make: () => Result): Result => {
    const found = kept.get(name)
    const nowMs = clock.monotonicMs()
    if (found?.version === version() && nowMs - found.madeMs < longestMs) return found.result as Result // Of this name.
    const result = make()
    if (kept.size >= mostKept) kept.clear()
    kept.set(name, { version: version(), madeMs: nowMs, result })
    // What failed is made again by the next who asks.
    if (result instanceof Promise) result.catch(() => kept.delete(name))
    return result
  }
}

/** Runs tasks of equal keys one after another, in the order in which they came. */
export type KeyedLock = <Result>(keys: readonly string[], task: () => Promise<Result>) => Promise<Result>

/** A task that names several keys holds them all; it waits until everything before it on each is over. */
export function createKeyedLock(): KeyedLock {
  const tails = new Map<string, Promise<void>>()
  return async (keys, task) => {
    const before = keys.map((key) => tails.get(key))
    const { promise: tail, resolve: release } = Promise.withResolvers<void>()
    // All tails are set in one go, so that two tasks never wait for each other.
    for (const key of keys) tails.set(key, tail)
    await Promise.all(before)
    try {
      return await task()
    } finally {
      for (const key of keys) if (tails.get(key) === tail) tails.delete(key)
      release()
    }
  }
}

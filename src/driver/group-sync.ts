/**
 * Lets calls that wait for the disk share its work. Each call resolves after a `sync` that began after the
 * call: the calls that come while one is running all wait for the next one together.
 */
export function createGroupSync(sync: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined
  let next: Promise<void> | undefined
  const start = (): Promise<void> => {
    const current = sync().finally(() => {
      if (running === current) running = undefined
    })
    running = current
    return current
  }
  return () => {
    if (running === undefined) return start()
    next ??= running
      .catch(() => {
        // Those who wait for that one are told. The next one is another try.
      })
      .then(() => {
        next = undefined
        return start()
      })
    return next
  }
}

/**
 * Runs work with the same name one after another, in the order of the calls, even if earlier work failed. Work with
 * several names waits until all earlier work with any of them has ended.
 */
export type InTurn = <Result>(
  names: string | readonly string[],
  work: () => Promise<Result>,
) => Promise<Result>

export function createInTurn(): InTurn {
  const last = new Map<string, Promise<void>>()
  return async (given, work) => {
    const names = typeof given === 'string' ? [given] : given
    const before = names.map((name) => last.get(name))
    const { promise: turn, resolve: end } = Promise.withResolvers<void>()
    // All names are taken at once, so that two pieces of work never wait for each other.
    for (const name of names) last.set(name, turn)
    await Promise.all(before)
    try {
      return await work()
    } finally {
      for (const name of names) if (last.get(name) === turn) last.delete(name)
      end()
    }
  }
}

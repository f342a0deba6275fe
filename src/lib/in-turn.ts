/**
 * Runs work of equal names one after another, in the order in which it was asked for, whatever became of the work
 * before. Work under several names holds them all: it waits until everything before it is over on each.
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
    // All names are taken in one go, so that two pieces of work never wait for each other.
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

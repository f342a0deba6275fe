/** Uniform in [0, 1). */
export type Random = () => number

/** A generator that a seed determines (mulberry32). */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    return mix(state)
  }
}

/**
 * Random numbers that belong to names: the n-th number of a name depends on the seed, the name and n alone. A history
 * from which something was taken out therefore keeps its other choices, which is what makes it possible to shorten it.
 */
export function createNamedRandom(seed: number): (name: string) => number {
  const counts = new Map<string, number>()
  return (name) => {
    const count = counts.get(name) ?? 0
    counts.set(name, count + 1)
    return mix(hashText(name, seed) + Math.imul(count, 0x9e3779b1))
  }
}

/** FNV-1a over UTF-16 units. */
export function hashText(text: string, start = 0): number {
  let hash = (start ^ 0x811c9dc5) >>> 0
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  }
  return hash >>> 0
}

function mix(value: number): number {
  let mixed = value >>> 0
  mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
}

export function pick<Item>(random: Random, items: readonly Item[]): Item {
  const item = items[Math.floor(random() * items.length)]
  if (item === undefined) throw new Error('there is nothing to pick from')
  return item
}

/** Picks by weight. */
export function pickWeighted<Item>(random: Random, items: readonly (readonly [number, Item])[]): Item {
  let rest = random() * items.reduce((sum, [weight]) => sum + weight, 0)
  for (const [weight, item] of items) {
    rest -= weight
    if (rest < 0) return item
  }
  const last = items.at(-1)
  if (last === undefined) throw new Error('there is nothing to pick from')
  return last[1]
}

export function between(random: Random, from: number, to: number): number {
  return from + Math.floor(random() * (to - from + 1))
}

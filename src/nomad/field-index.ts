/** Keys by a value that nearly always one key has. */
export interface FieldIndex {
  add(value: string, key: string): void
  remove(value: string, key: string): void
  find(value: string): readonly string[]
}

export function createFieldIndex(): FieldIndex {
  // Of a hundred thousand values, a set for each would weigh more than everything else.
  const keys = new Map<string, string | Set<string>>()
  return {
    add(value, key) {
      const found = keys.get(value)
      if (found === undefined) keys.set(value, key)
      else if (found instanceof Set) found.add(key)
      else if (found !== key) keys.set(value, new Set([found, key]))
    },
    remove(value, key) {
      const found = keys.get(value)
      if (found === key) keys.delete(value)
      if (!(found instanceof Set)) return
      found.delete(key)
      if (found.size === 0) keys.delete(value)
    },
    find(value) {
      const found = keys.get(value)
      if (found === undefined) return []
      return found instanceof Set ? [...found] : [found]
    },
  }
}

/** A map whose values are made when they are first asked for. */
export function createLazyMap<Value>(create: (key: string) => Value) {
  const map = new Map<string, Value>()
  return {
    get(key: string): Value {
      const existing = map.get(key)
      if (existing !== undefined) return existing
      const created = create(key)
      map.set(key, created)
      return created
    },
    peek: (key: string) => map.get(key),
    values: () => map.values(),
  }
}

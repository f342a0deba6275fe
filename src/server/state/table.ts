/**
 * A table's rows in memory, by key and in order. Rows are never changed, only replaced. `Order` is the part
 * of a row that its place in the order depends on.
 */
export class Table<Row extends Order, Order extends object = Row> {
  readonly #rows = new Map<string, Row>()
  readonly #sorted: Row[] = []
  readonly #compare: (a: Order, b: Order) => number
  readonly keyOf: (row: Row) => string

  /** @param compare the order of `list`; 0 only for rows of equal keys */
  constructor(keyOf: (row: Row) => string, compare: (a: Order, b: Order) => number) {
    this.keyOf = keyOf
    this.#compare = compare
  }

  get(key: string): Row | undefined {
    return this.#rows.get(key)
  }

  /** Every row in order; the array is the table's own. */
  list(): readonly Row[] {
    return this.#sorted
  }

  /** Position in `list` of the first row that does not come before `place`. */
  position(place: Order): number {
    let low = 0
    let high = this.#sorted.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const candidate = this.#sorted[middle]
      if (candidate !== undefined && this.#compare(candidate, place) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  /** For State alone, once the row is stored. */
  set(row: Row): void {
    const key = this.keyOf(row)
    this.#sorted.splice(this.position(row), this.#rows.has(key) ? 1 : 0, row)
    this.#rows.set(key, row)
  }

  /** For State alone, once the row is gone from the store. */
  remove(key: string): void {
    const row = this.#rows.get(key)
    if (row === undefined) return
    this.#sorted.splice(this.position(row), 1)
    this.#rows.delete(key)
  }
}

/** Order of the bytes of two texts in UTF-8, as Nomad's store orders its keys. */
export function compareBytes(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b))
}

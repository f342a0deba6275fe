/**
 * A table's rows in memory, by key, in order and in groups. Rows are never changed, only replaced. `Order` is the
 * part of a row that its place in the order depends on.
 */
export class Table<Row extends Order, Order extends object = Row> {
  readonly #rows = new Map<string, Row>()
  readonly #sorted: Row[] = []
  /** Arrays, because most groups have one row. */
  readonly #groups = new Map<string, readonly Row[]>()
  readonly #compare: (a: Order, b: Order) => number
  readonly #groupOf: ((row: Row) => string) | undefined
  readonly keyOf: (row: Row) => string

  /**
   * @param compare the order of `list`; 0 only for rows of equal keys
   * @param groupOf the name of the group that a row is in; not given: there are no groups
   */
  constructor(
    keyOf: (row: Row) => string,
    compare: (a: Order, b: Order) => number,
    groupOf?: (row: Row) => string,
  ) {
    this.keyOf = keyOf
    this.#compare = compare
    this.#groupOf = groupOf
  }

  get(key: string): Row | undefined {
    return this.#rows.get(key)
  }

  /** Every row in order; the array is the table's own. */
  list(): readonly Row[] {
    return this.#sorted
  }

  /** The rows of one group, in the order in which they came to it. */
  group(name: string): readonly Row[] {
    return this.#groups.get(name) ?? []
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

  /** Adds the row, or replaces the one with its key. */
  set(row: Row): void {
    const key = this.keyOf(row)
    const before = this.#rows.get(key)
    const place = this.position(row)
    if (before === undefined) this.#sorted.splice(place, 0, row)
    else this.#sorted[place] = row
    this.#rows.set(key, row)
    if (this.#groupOf === undefined) return
    const name = this.#groupOf(row)
    if (before !== undefined && this.#groupOf(before) === name) {
      this.#groups.set(
        name,
        this.group(name).map((other) => (other === before ? row : other)),
      )
      return
    }
    if (before !== undefined) this.#leaveGroup(before)
    this.#groups.set(name, [...this.group(name), row])
  }

  #leaveGroup(row: Row): void {
    if (this.#groupOf === undefined) return
    const name = this.#groupOf(row)
    const rest = this.group(name).filter((other) => other !== row)
    if (rest.length === 0) this.#groups.delete(name)
    else this.#groups.set(name, rest)
  }

  remove(key: string): void {
    const row = this.#rows.get(key)
    if (row === undefined) return
    this.#sorted.splice(this.position(row), 1)
    this.#rows.delete(key)
    this.#leaveGroup(row)
  }
}

export type VolumePlace = { readonly namespace: string; readonly id: string }

/** The order of volumes: by namespace, then ID. */
export const compareVolumes = (a: VolumePlace, b: VolumePlace): number =>
  compareBytes(a.namespace, b.namespace) || compareBytes(a.id, b.id)

/** Order of the bytes of two texts in UTF-8, as Nomad's store orders its keys. Both are well-formed. */
export function compareBytes(a: string, b: string): number {
  if (a === b) return 0
  const shorter = Math.min(a.length, b.length)
  for (let at = 0; at < shorter; at++) {
    const one = a.charCodeAt(at)
    const other = b.charCodeAt(at)
    if (one !== other) return rank(one) - rank(other)
  }
  return a.length - b.length
}

/** Characters beyond U+FFFF, which UTF-16 begins with D800 to DFFF, come after all others. */
const rank = (unit: number) => (unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800)

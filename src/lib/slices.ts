/**
 * Long work in slices: it may be interrupted at each yield. Whatever it reads must be the same after a yield as before,
 * so it works on a snapshot.
 */
export type Slices<Result> = Generator<void, Result, void>

/** Does all of the work at once. */
export function runAtOnce<Result>(work: Slices<Result>): Result {
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
  }
}

/**
 * Does the work, and lets other work run in between.
 * @param breathe asked at each yield: a promise to wait for before the next slice; undefined: go on
 */
export async function runInSlices<Result>(
  work: Slices<Result>,
  breathe: () => Promise<void> | undefined,
): Promise<Result> {
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
    const rest = breathe()
    if (rest !== undefined) await rest
  }
}

/** Visits the items in their order; the work may be interrupted after each. */
export function* forEachInSlices<Item>(items: Iterable<Item>, visit: (item: Item) => void): Slices<void> {
  for (const item of items) {
    visit(item)
    yield
  }
}

/** As `flatMap` of an array. */
export function* flatMapInSlices<Item, Result>(
  items: Iterable<Item>,
  map: (item: Item) => readonly Result[],
): Slices<Result[]> {
  const results: Result[] = []
  for (const item of items) {
    for (const each of map(item)) results.push(each)
    yield
  }
  return results
}

/** As `filter` of an array. */
export function* filterInSlices<Item>(
  items: Iterable<Item>,
  isWanted: (item: Item) => boolean,
): Slices<Item[]> {
  const wanted: Item[] = []
  for (const item of items) {
    if (isWanted(item)) wanted.push(item)
    yield
  }
  return wanted
}

/** As `Map.groupBy`. */
export function* groupInSlices<Item, Group>(
  items: Iterable<Item>,
  groupOf: (item: Item) => Group,
): Slices<Map<Group, Item[]>> {
  const groups = new Map<Group, Item[]>()
  for (const item of items) {
    const group = groupOf(item)
    const members = groups.get(group)
    if (members === undefined) groups.set(group, [item])
    else members.push(item)
    yield
  }
  return groups
}

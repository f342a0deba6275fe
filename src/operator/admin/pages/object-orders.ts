import { createBreather } from '../../../lib/breather.ts'
import type { sortFields } from '../../../wire/dashboard/objects.ts'
import type { ObjectEntry } from './object-entry.ts'

type SortField = (typeof sortFields)[number]
type Compare = (one: ObjectEntry, other: ObjectEntry) => number

/** The orders that were asked for, kept while entries come, go and change. */
export interface ObjectOrders {
  replace(before: ObjectEntry | undefined, after: ObjectEntry | undefined): void
  /** @param all every entry, where the order has to be made. The result is the caller's for reading until it waits */
  sorted(field: SortField, all: () => ObjectEntry[]): Promise<readonly ObjectEntry[]>
}

/** Beyond so many changes at once, sorting anew is quicker than putting each in its place. */
const mostEdits = 500

export function createOrders(): ObjectOrders {
  const kept = new Map<SortField, ObjectEntry[]>()
  let changes = 0
  let edits: { readonly before: ObjectEntry | undefined; readonly after: ObjectEntry | undefined }[] = []
  return {
    replace(before, after) {
      changes += 1
      if (kept.size === 0) return
      edits.push({ before, after })
      if (edits.length <= mostEdits) return
      kept.clear()
      edits = []
    },
    async sorted(field, all) {
      for (const [of, list] of kept) {
        for (const { before, after } of edits) {
          if (before !== undefined) takeOut(list, before, comparers[of])
          if (after !== undefined) list.splice(placeOf(list, after, comparers[of]), 0, after)
        }
      }
      edits = []
      const found = kept.get(field)
      if (found !== undefined) return [...found]
      const changesBefore = changes
      const made = await sortInSlices(all(), comparers[field])
      // What changed while it was made is not in it, so it is made again by the next who asks.
      if (changes === changesBefore) kept.set(field, made)
      return [...made]
    },
  }
}

function byText(read: (entry: ObjectEntry) => string): Compare {
  return (one, other) => {
    const [first, second] = [read(one), read(other)]
    return first < second ? -1 : first > second ? 1 : byKey(one, other)
  }
}

function byNumber(field: 'sinceMs' | 'sizeBytes' | 'createdMs'): Compare {
  return (one, other) => one[field] - other[field] || byKey(one, other)
}

/** Of one key, there may be an object in each cluster, and refused declarations. */
const byKey: Compare = (one, other) => {
  if (one.key !== other.key) return one.key < other.key ? -1 : 1
  const [first, second] = [one.view.cluster ?? '', other.view.cluster ?? '']
  return first < second ? -1 : first > second ? 1 : 0
}

/** What needs a person comes first. */
const stateOrder = { Stalled: 0, Refused: 1, Held: 2, Reconciling: 3, Ready: 4 }

const comparers: Readonly<Record<SortField, Compare>> = {
  name: byText(({ name }) => name),
  kind: byKey,
  state: (one, other) => stateOrder[one.state] - stateOrder[other.state] || byKey(one, other),
  plugin: byText(({ pluginID }) => pluginID),
  since: byNumber('sinceMs'),
  size: byNumber('sizeBytes'),
  created: byNumber('createdMs'),
}

/** The first place whose entry does not come before this one. */
function placeOf(list: readonly ObjectEntry[], entry: ObjectEntry, compare: Compare): number {
  let [low, high] = [0, list.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    const found = list[middle]
    if (found !== undefined && compare(found, entry) < 0) low = middle + 1
    else high = middle
  }
  return low
}

function takeOut(list: ObjectEntry[], entry: ObjectEntry, compare: Compare): void {
  // Several may compare as equal.
  const place = list.indexOf(entry, placeOf(list, entry, compare))
  if (place >= 0) list.splice(place, 1)
}

/** Short enough to be sorted in one go. */
const sliceLength = 2_000

/** Sorts pieces, and merges them two by two; other work runs between. */
async function sortInSlices(entries: readonly ObjectEntry[], compare: Compare): Promise<ObjectEntry[]> {
  const breathe = createBreather()
  let pieces: ObjectEntry[][] = []
  for (let from = 0; from < entries.length; from += sliceLength) {
    pieces.push(entries.slice(from, from + sliceLength).sort(compare))
    await breathe()
  }
  while (pieces.length > 1) {
    const merged: ObjectEntry[][] = []
    for (let index = 0; index < pieces.length; index += 2) {
      merged.push(await merge(pieces[index] ?? [], pieces[index + 1] ?? [], compare, breathe))
    }
    pieces = merged
  }
  return pieces[0] ?? []
}

async function merge(
  one: readonly ObjectEntry[],
  other: readonly ObjectEntry[],
  compare: Compare,
  breathe: () => Promise<void> | undefined,
): Promise<ObjectEntry[]> {
  const result: ObjectEntry[] = []
  let [first, second] = [0, 0]
  for (;;) {
    const [left, right] = [one[first], other[second]]
    if (left === undefined) return [...result, ...other.slice(second)]
    if (right === undefined) return [...result, ...one.slice(first)]
    if (compare(left, right) <= 0) {
      result.push(left)
      first += 1
    } else {
      result.push(right)
      second += 1
    }
    const breath = breathe()
    if (breath !== undefined) await breath
  }
}

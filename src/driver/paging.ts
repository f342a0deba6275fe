import { aborted, invalidArgument } from './driver-error.ts'

/** One page of a list. */
export interface Page<Item> {
  readonly items: Item[]
  /** '': this was the last page. */
  readonly nextToken: string
}

const tokenPrefix = 'after:'

/**
 * Cuts a page from a list. The token names the last item of the page before, so that what comes and goes
 * between two pages neither repeats nor hides anything else.
 * @throws DriverError INVALID_ARGUMENT for a negative maxEntries, ABORTED for a token that is none of ours
 */
export function cutPage<Item>(
  list: readonly Item[],
  idOf: (item: Item) => string,
  { maxEntries, startingToken }: { maxEntries: number; startingToken: string },
): Page<Item> {
  if (maxEntries < 0) throw invalidArgument('max_entries is negative')
  const after = parseToken(startingToken)
  const rest = list
    .filter((item) => after === undefined || compare(idOf(item), after) > 0)
    .sort((one, other) => compare(idOf(one), idOf(other)))
  const items = maxEntries === 0 ? rest : rest.slice(0, maxEntries)
  const last = items.at(-1)
  const hasMore = items.length < rest.length && last !== undefined
  return { items, nextToken: hasMore ? `${tokenPrefix}${Buffer.from(idOf(last)).toString('base64url')}` : '' }
}

function parseToken(token: string): string | undefined {
  if (token === '') return undefined
  const after = Buffer.from(token.slice(tokenPrefix.length), 'base64url').toString()
  if (!token.startsWith(tokenPrefix) || after === '') {
    throw aborted('starting_token is not one that this driver gave: list again from the start')
  }
  return after
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

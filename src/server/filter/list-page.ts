import type Type from 'typebox'
import { badRequest } from '../errors.ts'
import type { ReadOptions } from '../http/read-options.ts'
import { compareBytes } from '../state/table.ts'
import { compileFilter, type Fields, type Predicate } from './compile-filter.ts'
import { FilterError } from './expression.ts'
import { fieldsOf } from './shape.ts'

/** The `filter` of a query; undefined: everything passes. @throws ApiError 400, in Nomad's words */
export function parseFilterOption<Row>(filter: string, fields: Fields<Row>): Predicate<Row> | undefined {
  if (filter === '') return undefined
  try {
    return compileFilter(filter, fields)
  } catch (error) {
    if (!(error instanceof FilterError)) throw error
    throw badRequest(`failed to read filter expression: ${error.message}`)
  }
}

/** Every field of an answer that has a shape, read from the answer itself. */
export const answerFields = <Schema extends Type.TObject>(schema: Schema): Fields<Type.Static<Schema>> =>
  new Map(
    Object.entries(fieldsOf(schema)).map(([name, shape]) => [
      name,
      { shape, read: (answer) => (answer as Readonly<Record<string, unknown>>)[name] },
    ]),
  )

export interface ListPage<Item> {
  readonly page: readonly Item[]
  /** `''`: the last page. */
  readonly nextToken: string
}

/**
 * Reads of a query which page of a list it asks for: `filter`, `per_page` and `next_token`. The page is taken by the
 * function that it returns, when the answer is made. A token is the key of the next page's first item.
 * @param keyOf in the order of whose bytes the items are
 * @throws ApiError 400
 */
export function planPage<Item>(
  { filter, perPage, nextToken }: Pick<ReadOptions, 'filter' | 'perPage' | 'nextToken'>,
  fields: Fields<Item>,
  keyOf: (item: Item) => string,
): (items: readonly Item[]) => ListPage<Item> {
  const matches = parseFilterOption(filter, fields) ?? (() => true)
  const start = decodePageToken(nextToken)
  return (items) => {
    const rest = items.filter((item) => compareBytes(keyOf(item), start) >= 0 && matches(item))
    const next = perPage === 0 ? undefined : rest[perPage]
    return next === undefined
      ? { page: rest, nextToken: '' }
      : { page: rest.slice(0, perPage), nextToken: encodePageToken(keyOf(next)) }
  }
}

/** Encoded, because it stands in a header. */
export const encodePageToken = encodeURIComponent

/** @throws ApiError 400 */
export function decodePageToken(token: string): string {
  try {
    return decodeURIComponent(token)
  } catch {
    // The only fault that decodeURIComponent knows is an encoding that is broken.
    throw badRequest('failed to read result page: the next_token is not one that a list gave')
  }
}

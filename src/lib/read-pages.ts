export interface Page<Item> {
  readonly items: readonly Item[]
  /** Opaque. Empty or absent on the last page. */
  readonly nextToken: string | undefined
}

/** The pages go round in a circle, or there are too many to be true. */
export class EndlessListError extends Error {
  override readonly name = 'EndlessListError'
}

/** No list of anything has as many pages. */
const mostPages = 10_000

/**
 * Reads a paged list to its end.
 * @param readPage gets the token of the page; the first page has an empty one
 * @throws EndlessListError
 */
export async function readPages<Item>(readPage: (token: string) => Promise<Page<Item>>): Promise<Item[]> {
  const items: Item[] = []
  const seen = new Set<string>()
  for (let token = ''; ; ) {
    const page = await readPage(token)
    for (const item of page.items) items.push(item)
    token = page.nextToken ?? ''
    if (token === '') return items
    if (seen.has(token)) {
      throw new EndlessListError(`page token ${JSON.stringify(token)} came twice, so the list has no end`)
    }
    seen.add(token)
    if (seen.size >= mostPages) throw new EndlessListError(`the list has no end after ${mostPages} pages`)
  }
}

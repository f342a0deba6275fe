import { OperationError } from '../lib/errors.ts'

export interface Page<Item> {
  readonly items: readonly Item[]
  /** Opaque; empty or absent: this is the last page. */
  readonly nextToken: string | undefined
}

/**
 * All items of a paged list, by key. No page size is asked for: Nomad cuts what a plugin gives beyond
 * it, and passes on the plugin's token for what comes after the cut (client/csi_endpoint.go).
 * @throws OperationError `transient` where the tokens go round in a circle
 */
export async function listPages<Item>(
  readPage: (query: { next_token?: string }) => Promise<Page<Item>>,
  keyOf: (item: Item) => string,
  title: string,
): Promise<ReadonlyMap<string, Item>> {
  const items = new Map<string, Item>()
  const tokens = new Set<string>()
  let page = await readPage({})
  for (;;) {
    for (const item of page.items) items.set(keyOf(item), item)
    const token = page.nextToken
    if (token === undefined || token === '') return items
    if (tokens.has(token)) {
      throw new OperationError(
        `${title}: the plugin gives the same page token twice, so that its list has no end`,
        { kind: 'transient', reason: 'PagingLoop' },
      )
    }
    tokens.add(token)
    page = await readPage({ next_token: token })
  }
}

import type { IndexedPage } from './reads.ts'

/** The pages of a list as they were read last. Most are the same the next time. */
export interface KnownPages<Item> {
  /** Reads the page after this token, by what is known of it. A list begins with the empty token. */
  read(
    token: string,
    read: (before: IndexedPage<Item> | undefined) => Promise<IndexedPage<Item>>,
  ): Promise<IndexedPage<Item>>
}

export function createKnownPages<Item>(): KnownPages<Item> {
  let before = new Map<string, IndexedPage<Item>>()
  let now = new Map<string, IndexedPage<Item>>()
  return {
    async read(token, read) {
      const page = await read(now.get(token) ?? before.get(token))
      if (token === '') {
        // Pages that the last list no longer had are forgotten.
        before = new Map([...before, ...now])
        now = new Map()
      }
      now.set(token, page)
      if (page.nextToken === undefined) before = new Map()
      return page
    },
  }
}

import { expect, it } from 'vitest'
import { createKnownPages } from '../../../src/nomad/known-pages.ts'
import type { IndexedPage } from '../../../src/nomad/reads.ts'

it('gives each page as the list before had it, and forgets those that the last list no longer had', async () => {
  const pages = createKnownPages<string>()
  const given: unknown[] = []
  const read = (token: string, page: Omit<IndexedPage<string>, 'index'>) =>
    pages.read(token, async (before) => {
      given.push(before?.items)
      return { index: 1n, ...page }
    })
  await read('', { items: ['a'], nextToken: 'b' })
  await read('b', { items: ['b'], nextToken: 'c' })
  await read('c', { items: ['c'] })
  // One that is interrupted.
  await read('', { items: ['a'], nextToken: 'b' })
  await read('', { items: ['a'], nextToken: 'b' })
  await read('b', { items: ['b', 'c'] })
  await read('', { items: ['a'], nextToken: 'b' })
  await read('c', { items: ['c'] })
  expect(given).toEqual([undefined, undefined, undefined, ['a'], ['a'], ['b'], ['a'], undefined])
})

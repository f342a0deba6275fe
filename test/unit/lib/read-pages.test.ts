import { describe, expect, it } from 'vitest'
import { EndlessListError, type Page, readPages } from '../../../src/lib/read-pages.ts'

const listOf = (pages: Record<string, Page<string>>) =>
  readPages(async (token) => pages[token] ?? { items: [], nextToken: undefined })

describe('readPages', () => {
  it('follows the tokens to the end, over empty pages too', async () => {
    const items = await listOf({
      '': { items: ['a', 'b'], nextToken: '2' },
      2: { items: [], nextToken: '3' },
      3: { items: ['c'], nextToken: '' },
    })
    expect(items).toEqual(['a', 'b', 'c'])
  })

  it('rejects when the tokens go round in a circle', async () => {
    const circle = listOf({
      '': { items: ['a'], nextToken: '2' },
      2: { items: ['b'], nextToken: '3' },
      3: { items: ['c'], nextToken: '2' },
    })
    await expect(circle).rejects.toThrow(EndlessListError)
  })

  it('rejects when new tokens never end', async () => {
    const endless = readPages(async (token) => ({ items: [], nextToken: `${token}x` }))
    await expect(endless).rejects.toThrow('no end after 10000 pages')
  })

  it('takes a page of any size', async () => {
    const items = Array.from({ length: 300_000 }, (_, index) => String(index))
    expect(await listOf({ '': { items, nextToken: '' } })).toHaveLength(300_000)
  })
})

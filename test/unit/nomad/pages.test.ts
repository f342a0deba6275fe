import { describe, expect, it } from 'vitest'
import { listPages, type Page } from '../../../src/nomad/pages.ts'

const listOf = (pages: Record<string, Page<string>>) =>
  listPages(
    async ({ next_token = 'first' }) => pages[next_token] ?? { items: [], nextToken: undefined },
    (item) => item,
    'list',
  )

describe('listPages', () => {
  it('follows the tokens to the end, over empty pages too', async () => {
    const items = await listOf({
      first: { items: ['a', 'b'], nextToken: '2' },
      2: { items: [], nextToken: '3' },
      3: { items: ['c'], nextToken: '' },
    })
    expect([...items.keys()]).toEqual(['a', 'b', 'c'])
  })

  it('rejects when the tokens go round in a circle', async () => {
    await expect(
      listOf({
        first: { items: ['a'], nextToken: '2' },
        2: { items: ['b'], nextToken: '3' },
        3: { items: ['c'], nextToken: '2' },
      }),
    ).rejects.toMatchObject({ kind: 'transient', reason: 'PagingLoop' })
  })
})

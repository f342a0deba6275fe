import { globSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { sections, slugOf, toSitePage } from '../../site/pages.ts'

const targets = {
  pages: new Set(['README.md', 'docs/a.md', 'docs/b.md']),
  base: '/m/',
  repository: 'https://git.example/',
}
const bodyOf = (text: string) => toSitePage('docs/a.md', `# A\n${text}`, targets).split('---\n')[2]

describe('the site', () => {
  it('has every page once, each under a name of its own', () => {
    const pages = sections.flatMap((section) => section.pages)
    const files = [...globSync('{docs,charts/*}/*.md'), ...globSync('*.md')]
    expect(pages.toSorted()).toEqual(files.toSorted())
    expect(new Set(pages.map(slugOf)).size).toBe(pages.length)
  })

  it('takes the first heading for the title', () => {
    expect(toSitePage('docs/a.md', '# The `a` of "b"\n\nText.\n', targets)).toBe(
      '---\ntitle: "The a of \\"b\\""\n---\n\nText.\n',
    )
    expect(() => toSitePage('docs/a.md', 'Text.\n', targets)).toThrow('does not begin with a heading')
  })

  it.each([
    ['to another page', '[B](b.md)', '[B](/m/b/)'],
    ['to a heading of one', '[B](b.md#c-d)', '[B](/m/b/#c-d)'],
    ['to the first page', '[home](../README.md)', '[home](/m/)'],
    ['within the page', '[below](#x)', '[below](#x)'],
    ['out of the repository', '[x](https://x.example/a.md)', '[x](https://x.example/a.md)'],
    ['to a file that is no page', '[t](../test/t.ts)', '[t](https://git.example/test/t.ts)'],
    ['to an image', '![i](images/i.png)', '![i](../../../../docs/images/i.png)'],
    [
      'in a figure, which is drawn by the browser',
      '```mermaid\na["b<br/>c"] -- d --> e\n```',
      '<pre class="mermaid">\na["b&lt;br/&gt;c"] -- d --&gt; e\n</pre>',
    ],
    ['in code', '```md\n[B](b.md)\n```', '```md\n[B](b.md)\n```'],
  ])('leads a link %s', (_title, text, expected) => {
    expect(bodyOf(text)).toBe(expected)
  })

  it('has the text alone of a link to a file where nobody says where the repository is', () => {
    const page = toSitePage('docs/a.md', '# A\n[t](../test/t.ts)', { ...targets, repository: undefined })
    expect(page).toMatch(/\nt$/)
  })
})

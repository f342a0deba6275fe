import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runMooring } from '../helpers/run-mooring.ts'

const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'SECURITY.md',
  ...globSync('{docs,charts/*,test}/*.md'),
  'test/simulator/planted-faults.md',
]
const textOf = (page: string) => readFileSync(page, 'utf8')
/** Without its code, in which brackets mean something else. */
const proseOf = (page: string) =>
  textOf(page)
    .replaceAll(/^```.*?^```$/gms, '')
    .replaceAll(/`[^`\n]*`/g, '`code`')

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(page: string): string[] {
  const headings = [
    ...textOf(page)
      .replaceAll(/^```.*?^```$/gms, '')
      .matchAll(/^#+ (.+)$/gm),
  ]
  return headings.map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

/** What is wrong with a link; undefined: it leads somewhere. */
function deadLink(page: string, link: string): string | undefined {
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? page : join(dirname(page), path)
  if (!existsSync(target)) return `${page}: ${link} leads to no file`
  if (anchor === undefined || statSync(target).isDirectory()) return undefined
  return anchorsOf(target).includes(anchor) ? undefined : `${page}: ${link} leads to no heading`
}

const linksOf = (text: string) =>
  [...text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].flatMap(([, link]) => link ?? [])

/** The mooring commands of a page's shell blocks: their words up to a pipe, a comment or the end. */
function commandsOf(text: string): string[][] {
  const blocks = [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) =>
    block.replaceAll('\\\n', ' '),
  )
  return blocks.flatMap((block) =>
    [...block.matchAll(/^.*?(?:^|\s)mooring ((?:[a-z]).*)$/gm)]
      .filter(([line]) => !/^(helm|git|kubectl(?!.* -- )|nomad|cd) /.test(line))
      .map(([, rest = '']) => rest.split(/ [#|]/)[0]?.trim().split(/\s+/) ?? []),
  )
}

describe('a page', () => {
  it('has only links that lead to a file and to a heading in it', () => {
    expect(
      pages.flatMap((page) => linksOf(proseOf(page)).flatMap((link) => deadLink(page, link) ?? [])),
    ).toEqual([])
  })

  it('would be found out if a link led nowhere', () => {
    expect(deadLink('README.md', 'docs/nothing.md')).toMatch('leads to no file')
    expect(deadLink('README.md', 'docs/concepts.md#nothing')).toMatch('leads to no heading')
  })

  it('shows only commands and flags that the program has', async () => {
    const shown = pages.flatMap((page) => commandsOf(textOf(page)).map((words) => ({ page, words })))
    expect(shown.length).toBeGreaterThan(15)
    const helps = new Map<string, ReturnType<typeof runMooring>>()
    /** The help of the command that the words begin with, such as `server token create`. */
    async function helpOf(words: readonly string[], depth = 1): Promise<string> {
      const name = words.slice(0, depth).join(' ')
      const help = helps.get(name) ?? runMooring([...words.slice(0, depth), '--help'])
      helps.set(name, help)
      const { stdout } = await help
      const next = words[depth] ?? ''
      const isGroup = new RegExp(`^Commands:\\n(?: .*\\n)*  ${next} `, 'm').test(stdout)
      return /^[a-z-]+$/.test(next) && isGroup ? helpOf(words, depth + 1) : stdout
    }
    const wrong: string[] = []
    for (const { page, words } of shown) {
      const stdout = await helpOf(words)
      const flags = words.flatMap((word) => word.match(/^--[a-z-]+|^-[a-z]$/)?.[0] ?? [])
      for (const flag of flags) {
        if (!new RegExp(`^ +(?:-\\w, )?${flag}\\b|^ +${flag}, `, 'm').test(stdout))
          wrong.push(`${page}: mooring ${words.join(' ')}: ${flag}`)
      }
      if (!stdout.startsWith(`Usage: mooring ${words[0]}`))
        wrong.push(`${page}: mooring ${words.join(' ')}: no such command`)
    }
    expect(wrong).toEqual([])
  }, 300_000)
})

import { readFileSync } from 'node:fs'

/** One shell block of a page, with what the page says that it prints. */
export interface PageBlock {
  readonly line: number
  readonly script: string
  /** The `text` block that follows at once. Undefined: the page says nothing of it. */
  readonly prints?: string
}

/** The `sh` blocks of a page, in their order. A `text` block right behind one is what it prints. */
export function blocksOf(page: string): PageBlock[] {
  const text = readFileSync(page, 'utf8')
  return [...text.matchAll(/^```sh\n(.*?)^```\n(?:\n```text\n(.*?)^```$)?/gms)].map(
    ({ 1: script = '', 2: prints, index }) => ({
      line: text.slice(0, index).split('\n').length,
      script,
      ...(prints === undefined ? {} : { prints }),
    }),
  )
}

/**
 * Whether an output is what a page prints. Blanks count as one, `…` stands for anything in a line, and a line of `…` alone
 * for any lines.
 */
export function isAsPrinted(output: string, prints: string): boolean {
  const lines = prints.trim().split('\n').map(plain)
  const pattern = lines
    .map((line) => (line === '…' ? '(?:.*\n)*?' : `${line.split('…').map(RegExp.escape).join('.*')}\n`))
    .join('')
  return new RegExp(`^${pattern}$`).test(`${output.trim().split('\n').map(plain).join('\n')}\n`)
}

const plain = (line: string) => line.replaceAll(/\s+/g, ' ').trim()

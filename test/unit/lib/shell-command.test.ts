import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { shellCommand } from '../../../src/lib/shell-command.ts'

describe('shellCommand', () => {
  it.each([
    [['mooring', 'status'], 'mooring status'],
    [
      ['mooring', 'recreate', 'prod/set[2]', '--lost', 'vol-1'],
      "mooring recreate 'prod/set[2]' --lost vol-1",
    ],
    [
      ['mooring', 'recreate', 'data', '--lost', "it's $(rm)"],
      "mooring recreate data --lost 'it'\\''s $(rm)'",
    ],
    [['mooring', 'recreate', '=data', ''], "mooring recreate '=data' ''"],
  ])('of %j is one that a shell reads as these words', (words, expected) => {
    expect(shellCommand(...words)).toBe(expected)
  })

  it('gives a shell the very words, whatever is in them', () => {
    const words = fc.sample(
      fc.array(fc.string({ unit: 'grapheme' }).filter((word) => !word.includes('\0'))),
      30,
    )
    const script = words.map((each) => `printf '%s\\0' ${shellCommand(...each)} end`).join('\n')
    const { stdout } = spawnSync('bash', ['-c', script], { encoding: 'utf8' })
    expect(stdout).toBe(words.map((each) => [...each, 'end', ''].join('\0')).join(''))
  })
})

it('every command that a message prints with a value in it goes through shellCommand', () => {
  const printed = /\b(?:mooring (?!server in)[a-z]+ |kubectl [a-z]+ )[^`\n;:.]*(?<!\\)\$\{/
  const unquoted = globSync('src/**/*.ts').flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((line, index) => (printed.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
  )
  expect(unquoted).toEqual([])
})

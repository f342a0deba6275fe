import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runMooring } from '../helpers/run-mooring.ts'
import { textsIn } from '../helpers/test-titles.ts'

describe('docs/commands.md', () => {
  const page = readFileSync('docs/commands.md', 'utf8')
  const rows = [...page.matchAll(/^\| `(?<command>[a-z-]+)` \|.*\]\((?<file>[^)]+)\): (?<title>[^|]+) \|$/gm)]

  it('has a row for every command, and for no other', async () => {
    const { stdout } = await runMooring(['--help'])
    const [, list = ''] = stdout.split('Run Mooring:\n')
    const commands = [...list.matchAll(/^ {2}([a-z-]+)/gm)].map(([, name]) => name)
    expect(rows.map(({ groups }) => groups?.command).sort()).toEqual(
      commands.filter((name) => name !== 'help').sort(),
    )
  })

  it('names a test that is there in each row', () => {
    expect(rows.length).toBeGreaterThan(10)
    for (const { groups } of rows) {
      const texts = textsIn(join('docs', groups?.file ?? ''))
      expect(texts, `the test of ${groups?.command}`).toContain(groups?.title)
    }
  })
})

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { nomadConnectionOptions } from '../../src/cli/nomad-options.ts'
import { textsIn } from '../helpers/test-titles.ts'

describe('docs/real-nomad.md', () => {
  const page = readFileSync('docs/real-nomad.md', 'utf8')

  it('names a test that is there for each trap', () => {
    const [, table = ''] = /^\| trap .*\n((?:\|.*\n)+)/m.exec(page) ?? []
    const rows = table.trim().split('\n').slice(1)
    expect(rows.length).toBeGreaterThan(15)
    for (const row of rows) {
      const { file, title } = /\]\((?<file>[^)]+)\): (?<title>[^|]+) \|$/.exec(row)?.groups ?? {}
      expect(textsIn(join('docs', file ?? row)), `the test of: ${row}`).toContain(title ?? row)
    }
  })

  it('has every flag of a connection, with its variable', () => {
    for (const { long, envVar } of nomadConnectionOptions()) {
      expect(page).toContain(`\`${long}\``)
      expect(page).toContain(`\`${envVar}\``)
    }
  })
})

import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { textsIn } from '../helpers/test-titles.ts'

describe('docs/pains.md', () => {
  const page = readFileSync('docs/pains.md', 'utf8')
  const rows = [...page.matchAll(/^\| (?<complaint>[^|]+) \|.*\]\((?<file>[^)]+)\): (?<title>[^|]+) \|$/gm)]

  it('names a test that is there in each row, and the complaint is in its title', () => {
    expect(rows.length).toBeGreaterThan(40)
    for (const { groups: { complaint = '', file = '', title = '' } = {} } of rows) {
      expect(textsIn(join('docs', file)), complaint).toContain(title)
      if (complaint.includes('#')) expect(title).toContain(complaint)
    }
  })

  it('would be found out if it named half of a test', () => {
    const texts = textsIn('test/package/pains-page.test.ts')
    expect(texts).toContain('would be found out if it named half of a test')
    expect(texts).not.toContain(['would be found', 'out'].join(' '))
  })

  it('has a row for every complaint that a test is named after', () => {
    const titles = globSync('test/**/*.test.ts').flatMap(
      (file) => readFileSync(file, 'utf8').match(/[(\s][a-z-]+#\d+(?=[,)])/g) ?? [],
    )
    const complaints = new Set(titles.map((title) => title.slice(1)))
    expect(complaints.size).toBeGreaterThan(30)
    for (const complaint of complaints) expect(page).toContain(`| ${complaint} |`)
  })
})

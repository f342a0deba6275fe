import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { generateSchemas } from '../../scripts/lib/generate-schemas.ts'
import { type SchemaNode, schemaFields } from '../helpers/schema-fields.ts'

const page = readFileSync('docs/fields.md', 'utf8')
const sections = new Map(
  page
    .split(/^## /m)
    .slice(1)
    .map((section): [string, string[]] => {
      const [title = '', ...lines] = section.split('\n')
      return [title, lines.filter((line) => line.startsWith('| `'))]
    }),
)

describe.each([...generateSchemas()])('docs/fields.md, for %s', (_file, text) => {
  const schema = JSON.parse(text) as SchemaNode
  const rows = sections.get(schema.title ?? '') ?? []

  it('has a row for every field, in its order, with its default and what it does; and no other', () => {
    const expected = schemaFields(schema).map(
      ({ path, unlessGiven, description }) =>
        `| \`${path}\` | ${unlessGiven} | ${description.replaceAll('|', '\\|')} |`,
    )
    expect(expected.length).toBeGreaterThan(10)
    expect(rows.map((row) => row.slice(0, row.lastIndexOf(' [')))).toEqual(expected)
  })

  it('names a test that is there in each row', () => {
    for (const row of rows) {
      const { file = '', title = '' } = /\]\((?<file>[^)]+)\): (?<title>[^|]+) \|$/.exec(row)?.groups ?? {}
      expect(readFileSync(join('docs', file), 'utf8'), row).toContain(title)
    }
  })
})

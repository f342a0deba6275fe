import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { fieldTests } from '../../scripts/lib/fields/field-tests.ts'
import { renderFields } from '../../scripts/lib/fields/generate-fields.ts'
import { schemaFields } from '../../scripts/lib/fields/schema-fields.ts'
import { kinds } from '../../src/operator/declare/kinds.ts'
import { textsIn } from '../helpers/test-titles.ts'

describe('docs/fields.md', () => {
  it('is what the schemas say', () => {
    expect(readFileSync('docs/fields.md', 'utf8')).toBe(renderFields())
  })

  it.each(kinds)('has a row with a test for every field of $kind, and for no other', ({ kind, document }) => {
    const paths = schemaFields(document).map(({ path }) => path)
    expect(paths.length).toBeGreaterThan(10)
    expect(Object.keys(fieldTests[kind]).sort()).toEqual([...new Set(paths)].sort())
  })

  it.each(Object.entries(fieldTests))('names a test that is there for each field of %s', (_kind, tests) => {
    for (const [path, [file, title]] of Object.entries(tests)) {
      expect(textsIn(file), path).toContain(title)
    }
  })
})

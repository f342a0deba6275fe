import { describe, expect, it } from 'vitest'
import { parseDeclarations } from '../../../../src/operator/declare/parse-declarations.ts'
import { contentOf, withKnown } from '../../../../src/operator/sources/parsed-file.ts'
import { volume } from '../../../builders/declarations.ts'
import { evidence } from '../../../builders/evidence.ts'

/** The content of this many files of 10,000 documents each, and one declaration. */
function contentOfFiles(count: number) {
  const other = { fingerprint: 'x', line: 1, what: 'kind "ConfigMap"' }
  const many = { declarations: [], problems: [], warnings: [], others: Array(10_000).fill(other) }
  const files = new Map(Array.from({ length: count }, (_, index) => [`${index}.yaml`, many]))
  return contentOf({
    source: 's',
    files: files.set('a.yaml', { ...many, declarations: [volume('a')] as never[], others: [] }),
    doubts: [],
    listing: evidence().listing,
    monotonicMs: 0,
    readAtMs: 0,
  })
}

it('a source with more documents than one process should hold declares nothing, and all of it is in doubt', () => {
  expect(contentOfFiles(19)).toMatchObject({ declarations: [{ name: 'a' }], problems: [], skipped: 190_000 })
  const { declarations, problems, evidence: found } = contentOfFiles(20)
  expect(declarations).toEqual([])
  expect(problems).toMatchObject([{ message: expect.stringContaining('more than 200000 documents') }])
  expect(found).toMatchObject({ files: new Map(), doubts: [{ file: '' }] })
})

it('a broken file that speaks of nothing of ours is a warning, and in doubt all the same', () => {
  const parsed = parseDeclarations('{{ if }}: [', { source: 's', file: 'chart.yaml' })
  const {
    problems,
    warnings,
    evidence: found,
  } = contentOf({
    source: 's',
    files: new Map([['chart.yaml', parsed]]),
    doubts: [],
    listing: evidence().listing,
    monotonicMs: 0,
    readAtMs: 0,
  })
  expect(problems).toEqual([])
  expect(warnings).toMatchObject([{ message: expect.stringContaining('it is passed over') }])
  expect(found).toMatchObject({ files: new Map(), doubts: [{ file: 'chart.yaml' }] })
})

describe('withKnown', () => {
  const text = (bytes: string) =>
    ['a', 'b']
      .map(
        (name) =>
          `apiVersion: mooring.dev/v1alpha1\nkind: Volume\nmetadata: {name: ${name}}\nspec: {pluginID: p, capabilities: [{accessMode: single-node-writer, attachmentMode: file-system}], capacity: {min: ${name === 'b' ? bytes : '1Gi'}}}\n`,
      )
      .join('---\n')
  const parse = (bytes: string) => parseDeclarations(text(bytes), { source: '/s', file: 'f.yaml' })

  it('keeps the declarations that are the same, and takes the one that changed', () => {
    const before = parse('1Gi')
    const { declarations } = withKnown(parse('2Gi'), before)
    expect(declarations[0]).toBe(before.declarations[0])
    expect(declarations[1]).toEqual(parse('2Gi').declarations[1])
  })

  it('takes a declaration anew whose line moved', () => {
    const before = parse('1Gi')
    const moved = parseDeclarations(`# a comment\n${text('1Gi')}`, { source: '/s', file: 'f.yaml' })
    expect(withKnown(moved, before).declarations).toEqual(moved.declarations)
  })
})

import { readdirSync, readFileSync } from 'node:fs'
import { load } from 'js-yaml'
import { Check } from 'typebox/value'
import { describe, expect, test } from 'vitest'
import { parseDeclarations } from '../../../../src/operator/declare/parse-declarations.ts'

const examples = new URL('../../../../manifests/examples/', import.meta.url)
const files = readdirSync(examples)
const read = (file: string) => readFileSync(new URL(file, examples), 'utf8')
const parse = (file: string) => parseDeclarations(read(file), { source: 'manifests/examples', file })

describe('the examples', () => {
  test.each(files)('%s declares one thing, named as its file', (file) => {
    const { declarations, problems, others } = parse(file)
    expect({ problems, others }).toEqual({ problems: [], others: [] })
    expect(declarations.map(({ name }) => `${name}.yaml`)).toEqual([file])
  })

  test.each(files)('%s names the schema that it satisfies, for editors', (file) => {
    const [, schema = ''] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(read(file)) ?? []
    expect(Check(JSON.parse(read(schema)), load(read(file)))).toBe(true)
  })

  test('refer to each other, and to the plugin of this machine', () => {
    const declarations = files.flatMap((file) => parse(file).declarations)
    const names = (kind: string) => declarations.filter((one) => one.kind === kind).map(({ name }) => name)
    for (const declaration of declarations) {
      if (declaration.kind === 'Snapshot') expect(names('Volume')).toContain(declaration.spec.volume)
      else if (declaration.kind === 'Volume') expect(declaration.spec.pluginID).toBe('directories')
    }
    expect(declarations.find(({ name }) => name === 'shared-media')?.spec).toMatchObject({
      externalID: 'shared-media',
      deletionPolicy: 'Retain',
    })
    expect(declarations.find(({ name }) => name === 'shared-media-restored')?.spec).toMatchObject({
      source: { snapshot: 'shared-media-snapshot' },
    })
  })
})

import { describe, expect, test } from 'vitest'
import { generateSchemas } from '../../../../scripts/lib/generate-schemas.ts'
import { readSnapshot } from '../../../../src/operator/declare/snapshot.ts'
import { readSnapshotSchedule } from '../../../../src/operator/declare/snapshot-schedule.ts'
import { readVolume } from '../../../../src/operator/declare/volume.ts'

interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly items?: SchemaNode
  readonly anyOf?: readonly SchemaNode[]
  readonly description?: string
  readonly default?: unknown
  readonly additionalProperties?: unknown
  readonly required?: readonly string[]
}

/** Every field beneath a schema, by its path. */
function fieldsOf(schema: SchemaNode, path = ''): [string, SchemaNode][] {
  const own = Object.entries(schema.properties ?? {}).flatMap<[string, SchemaNode]>(([name, field]) => [
    [`${path}${name}`, field],
    ...fieldsOf(field, `${path}${name}.`),
  ])
  const nested = [schema.items, ...(schema.anyOf ?? [])].filter((node) => node !== undefined)
  return [...own, ...nested.flatMap((node) => fieldsOf(node, `${path}[].`))]
}

/** For each kind: its schema's file, how it is read, and the least that a spec says. */
const kinds = [
  {
    kind: 'Volume',
    file: 'volume.json',
    read: readVolume,
    spec: {
      pluginID: 'p',
      capabilities: [{ accessMode: 'single-node-writer', attachmentMode: 'file-system' }],
    },
    defaults: ['deletionPolicy', 'finalSnapshot', 'driftPolicy', 'suspend'],
  },
  {
    kind: 'Snapshot',
    file: 'snapshot.json',
    read: readSnapshot,
    spec: { volume: 'v' },
    defaults: ['deletionPolicy', 'suspend'],
  },
  {
    kind: 'SnapshotSchedule',
    file: 'snapshot-schedule.json',
    read: readSnapshotSchedule,
    spec: { schedule: '@daily', volumes: { names: ['v'] } },
    defaults: ['timeZone', 'startingDeadlineSeconds', 'jitterSeconds', 'suspend'],
  },
]

describe.each(kinds)('the schema of $kind', ({ kind, file, read, spec, defaults }) => {
  const schema: SchemaNode = JSON.parse(generateSchemas().get(file) ?? '')

  test('describes every field, in whole sentences', () => {
    const fields = fieldsOf(schema)
    expect(fields.length).toBeGreaterThan(10)
    for (const [path, { description }] of fields) expect(description, path).toMatch(/^[A-Za-z{].*[.]$/s)
  })

  test('refuses unknown fields wherever it knows any', () => {
    for (const [path, field] of fieldsOf(schema)) {
      if (field.properties !== undefined) expect(field.additionalProperties, path).toBe(false)
    }
  })

  test('shows the defaults that reading fills in', () => {
    const document = { apiVersion: 'mooring.dev/v1alpha1', kind, metadata: { name: 'a' }, spec }
    const reading = read(document, 'default')
    const shown = Object.entries(schema.properties?.spec?.properties ?? {}).filter(
      ([, field]) => 'default' in field,
    )
    expect(shown.map(([name]) => name)).toEqual(defaults)
    expect(reading).toMatchObject({
      spec: Object.fromEntries(shown.map(([name, field]) => [name, field.default])),
    })
  })
})

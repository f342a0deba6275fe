import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type KubernetesKind, kinds } from '../../../src/operator/declare/kinds.ts'
import type { Generator } from '../generator.ts'
import { fieldTests } from './field-tests.ts'
import { type SchemaNode, schemaFields } from './schema-fields.ts'

/** The page of every field of every kind: what it does, its default, and a test that shows it. */
export const fieldsPage: Generator = {
  name: 'Page of fields',
  directory: fileURLToPath(new URL('../../../docs', import.meta.url)),
  isPartOfDirectory: true,
  async generate() {
    return new Map([['fields.md', renderFields()]])
  },
}

/** @throws Error naming a field without a test */
export function renderFields(): string {
  return `# Fields of the declarations

What each field does, what stands where it is not given, and a test that shows it. Made by \`npm run generate\` from the
schemas that declarations are checked with; [manifests/schemas/](../manifests/schemas/) say the same for editors.

${kinds.map(renderKind).join('\n')}`
}

function renderKind({ kind, document }: KubernetesKind): string {
  const schema: SchemaNode = document
  const rows = schemaFields(schema).map(({ path, unlessGiven, description }) => {
    const test = fieldTests[kind][path]
    if (test === undefined) {
      throw new Error(
        `${kind} has a field ${path} without a test: name one in scripts/lib/fields/field-tests.ts`,
      )
    }
    const [file, title] = test
    const link = `[${basename(file, '.test.ts')}](${join('..', file)})`
    return `| \`${path}\` | ${unlessGiven} | ${description.replaceAll('|', '\\|')} | ${link}: ${title} |\n`
  })
  return `## ${kind}

${schema.description ?? ''}

| field | not given | what it does | test |
|---|---|---|---|
${rows.join('')}`
}

import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type Type from 'typebox'
import { kindNames } from '../../src/lib/declared-kinds.ts'
import { readers } from '../../src/operator/declare/readers.ts'
import { Notification } from '../../src/operator/telemetry/notification.ts'
import type { Generator } from './generator.ts'

const repository = fileURLToPath(new URL('../..', import.meta.url))

/** JSON Schemas of the declarations, one per kind, for editors: they complete, explain and check; and of notifications. */
export const jsonSchemas: Generator = {
  name: 'JSON Schemas',
  directory: join(repository, 'manifests/schemas'),
  async generate() {
    return generateSchemas()
  },
}

/** Each schema's content by its path within manifests/schemas. */
export function generateSchemas(): ReadonlyMap<string, string> {
  return new Map([
    ...kindNames.map((kind): [string, string] => [fileOf(kind), render(readers[kind].document)]),
    ['notification.json', render(Notification)],
  ])
}

/** `SnapshotSchedule`: `snapshot-schedule.json`. */
function fileOf(kind: string): string {
  return `${kind.replace(/(?<=[a-z])[A-Z]/g, '-$&').toLowerCase()}.json`
}

/** Draft 7, which every editor's YAML support reads; the declarations use nothing newer. */
function render(schema: Type.TSchema): string {
  const document = { $schema: 'http://json-schema.org/draft-07/schema#', ...schema }
  // What the schemas say to Kubernetes and to our own generators means nothing to an editor.
  const withoutExtensions = (key: string, value: unknown) => (key.startsWith('x-') ? undefined : value)
  return `${JSON.stringify(document, withoutExtensions, 2)}\n`
}

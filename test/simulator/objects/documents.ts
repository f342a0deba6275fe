import { load } from 'js-yaml'
import type { NamespaceMapping } from '../../../src/operator/declare/namespace-mapping.ts'
import { asRecord, type JsonObject, type StoredObject } from '../../fakes/kubernetes/json.ts'
import { type Document, writeDocuments } from '../documents.ts'
import { secretValue } from '../operator-process.ts'
import { type Team, teams } from '../world/api-server.ts'

/** Both teams may declare into one Nomad namespace, so that two objects can mean one volume. */
export const namespaceMapping: NamespaceMapping = new Map(teams.map((team) => [team, ['default']]))

/** What a person meant, beside what it became. Mooring knows nothing of it. */
const meantAnnotation = 'example.org/meant'

const known = new Map<string, Document>()

/** What a person applies. */
export function objectOf(document: Document, team: Team): JsonObject {
  const text = JSON.stringify(document)
  // The same text is the same wish.
  if (!known.has(text)) known.set(text, document)
  const { spec, ...head } = asRecord(load(writeDocuments([document])))
  const secrets =
    document.kind === 'Volume' && document.secrets === 'token'
      ? { secrets: { token: { fromSecret: { name: 'storage', key: 'token' } } } }
      : {}
  return {
    ...head,
    metadata: { name: document.name, namespace: team, annotations: { [meantAnnotation]: text } },
    spec: { ...asRecord(spec), ...secrets },
  }
}

/** What a person meant by an object; undefined: no person made it. */
export function documentOf(object: StoredObject): Document | undefined {
  const text = asRecord(object.metadata.annotations)[meantAnnotation]
  return typeof text === 'string' ? known.get(text) : undefined
}

export const storageSecret = (team: Team): JsonObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'storage', namespace: team },
  data: { token: Buffer.from(secretValue).toString('base64') },
})

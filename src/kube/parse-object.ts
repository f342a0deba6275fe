import { parseJSON } from '../lib/json.ts'
import type { KubernetesObject, ObjectPage, Resource, WatchEvent } from './api.ts'
import { volumes } from './resources.ts'

const { group: ownGroup } = volumes

/** The answer cannot be understood. The message contains nothing of it: it may be a secret. */
export class UnreadableAnswerError extends Error {
  override readonly name = 'UnreadableAnswerError'
}

/** @throws UnreadableAnswerError */
export function parseAnswer(text: string): unknown {
  try {
    return parseJSON(text)
  } catch {
    // The message of the parser quotes the text.
    throw new UnreadableAnswerError('the answer is no JSON')
  }
}

/**
 * Reads one object, without its managedFields (but for who wrote our annotations). Those are often larger than the rest, only the API server needs them, and
 * an update without them changes nothing.
 * @param resource gives the kind, which the items of a list do not carry
 * @throws UnreadableAnswerError
 */
export function parseObject(value: unknown, resource: Resource): KubernetesObject {
  if (!isRecord(value) || !isRecord(value.metadata) || typeof value.metadata.name !== 'string') {
    throw new UnreadableAnswerError('the answer is no object with a name')
  }
  const { managedFields, ...metadata } = value.metadata
  const { group, version, kind } = resource
  const annotationManagers = group === ownGroup ? findManagers(managedFields) : undefined
  return {
    ...value,
    apiVersion: group ? `${group}/${version}` : version,
    kind,
    metadata: {
      ...metadata,
      ...(annotationManagers && { annotationManagers }),
    } as unknown as KubernetesObject['metadata'],
  }
}

/** The field managers of annotations of our own group; undefined: there is none. */
function findManagers(managedFields: unknown): Record<string, string> | undefined {
  const managers: Record<string, string> = {}
  for (const entry of Array.isArray(managedFields) ? managedFields : []) {
    if (!isRecord(entry) || typeof entry.manager !== 'string') continue
    const annotations = ['f:metadata', 'f:annotations'].reduce<unknown>(
      (tree, name) => (isRecord(tree) ? tree[name] : undefined),
      entry.fieldsV1,
    )
    for (const field of isRecord(annotations) ? Object.keys(annotations) : [])
      if (field.startsWith(`f:${ownGroup}/`)) managers[field.slice('f:'.length)] = entry.manager
  }
  return Object.keys(managers).length === 0 ? undefined : managers
}

/** @throws UnreadableAnswerError */
export function parsePage(value: unknown, resource: Resource): ObjectPage {
  if (!isRecord(value) || !isRecord(value.metadata)) throw new UnreadableAnswerError('the answer is no list')
  const { resourceVersion, continue: continueToken } = value.metadata
  // Go writes a nil slice as null.
  const items = value.items ?? []
  if (!Array.isArray(items) || typeof resourceVersion !== 'string') {
    throw new UnreadableAnswerError('the answer is no list with a resourceVersion')
  }
  return {
    // An entry that is null stands for no object.
    items: items.filter((item) => item !== null).map((item) => parseObject(item, resource)),
    resourceVersion,
    ...(typeof continueToken === 'string' && continueToken !== '' && { continueToken }),
  }
}

/** Reads one event of a watch. `status` is the error of the API server. */
export function parseWatchEvent(
  value: unknown,
  resource: Resource,
): WatchEvent | { readonly type: 'ERROR'; readonly status: unknown } {
  if (!isRecord(value) || !isRecord(value.object)) throw new UnreadableAnswerError('the stream has no event')
  switch (value.type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      return { type: value.type, object: parseObject(value.object, resource) }
    case 'BOOKMARK': {
      const metadata = value.object.metadata
      if (isRecord(metadata) && typeof metadata.resourceVersion === 'string') {
        return { type: 'BOOKMARK', resourceVersion: metadata.resourceVersion }
      }
      throw new UnreadableAnswerError('a bookmark has no resourceVersion')
    }
    case 'ERROR':
      return { type: 'ERROR', status: value.object }
    default:
      throw new UnreadableAnswerError('the stream has an event of an unknown type')
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

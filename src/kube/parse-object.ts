import { parseJSON } from '../lib/json.ts'
import type { KubernetesObject, ObjectPage, Resource, WatchEvent } from './api.ts'

/** A text that is not what the API server promises. Says nothing of what is in it: it may be a secret. */
export class UnreadableAnswerError extends Error {
  override readonly name = 'UnreadableAnswerError'
}

/** @throws UnreadableAnswerError */
export function parseAnswer(text: string): unknown {
  try {
    return parseJSON(text)
  } catch {
    // The parser's own message quotes the text.
    throw new UnreadableAnswerError('the answer is no JSON')
  }
}

/**
 * Without managedFields, which are larger than many an object and of use only to the API server; an update
 * without them leaves them as they are.
 * @param resource for the items of a list, which do not carry their kind
 * @throws UnreadableAnswerError
 */
export function parseObject(value: unknown, resource: Resource): KubernetesObject {
  if (!isRecord(value) || !isRecord(value.metadata) || typeof value.metadata.name !== 'string') {
    throw new UnreadableAnswerError('the answer is no object with a name')
  }
  const { managedFields: _, ...metadata } = value.metadata
  const { group, version, kind } = resource
  return {
    ...value,
    apiVersion: group ? `${group}/${version}` : version,
    kind,
    metadata: metadata as unknown as KubernetesObject['metadata'],
  }
}

/** @throws UnreadableAnswerError */
export function parsePage(value: unknown, resource: Resource): ObjectPage {
  if (!isRecord(value) || !isRecord(value.metadata)) throw new UnreadableAnswerError('the answer is no list')
  const { resourceVersion, continue: continueToken } = value.metadata
  // Go writes an empty slice that was never made as null.
  const items = value.items ?? []
  if (!Array.isArray(items) || typeof resourceVersion !== 'string') {
    throw new UnreadableAnswerError('the answer is no list with a resourceVersion')
  }
  return {
    items: items.map((item) => parseObject(item, resource)),
    resourceVersion,
    ...(typeof continueToken === 'string' && continueToken !== '' && { continueToken }),
  }
}

/** An event of a watch; `status` where it is the API server's error. */
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

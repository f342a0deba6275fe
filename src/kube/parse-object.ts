import { parseJSON } from '../lib/json.ts'
import type { KubernetesObject, ObjectPage, Resource, WatchEvent } from './api.ts'

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
 * Reads one object, without its managedFields. Those are often larger than the rest, only the API server needs them, and
 * an update without them changes nothing.
 * @param resource gives the kind, which the items of a list do not carry
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
  // Go writes a nil slice as null.
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

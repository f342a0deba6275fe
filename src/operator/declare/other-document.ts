import { createHash } from 'node:crypto'

/** A document that is no declaration, such as an object of Kubernetes or a job. */
export interface OtherDocument {
  /** It stays the same while somebody edits the document, and differs between documents of different names. */
  readonly fingerprint: string
  readonly line: number
  /** Such as `apiVersion "v1", kind "ConfigMap"`. It quotes nothing else. */
  readonly what: string
}

/** Hex digits: enough that no two documents of one file share a fingerprint by chance. */
const digits = 12

/**
 * Describes a document that is no declaration.
 * @param names what identifies it: the values of its apiVersion, kind, name and namespace, where it has them
 * @param keys the keys of its root, which identify a document that has no kind
 */
export function describeOther(
  names: Readonly<Record<string, string | undefined>>,
  keys: readonly string[],
  line: number,
): OtherDocument {
  const given = Object.entries(names).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))
  const identity = names.kind === undefined ? [given, keys.toSorted()] : [given]
  const shown = given.flatMap(([name, value = '']) =>
    name === 'apiVersion' || name === 'kind' ? [`${name} ${JSON.stringify(value.slice(0, 80))}`] : [],
  )
  return {
    fingerprint: createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, digits),
    line,
    what: shown.length === 0 ? 'without apiVersion and kind' : shown.join(', '),
  }
}

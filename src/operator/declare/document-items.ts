import type { FieldPath } from './fault.ts'
import { maxDocuments, tooManyDocuments, type YamlDocument, type YamlFault } from './yaml-documents.ts'

/**
 * The documents that a sequence, or an object of kind List, holds.
 * @param mayBeOurs whether a document may be a declaration, valid or not
 * @returns undefined if the document is one by itself, or holds nothing of ours
 */
export function itemsOf(
  document: YamlDocument,
  mayBeOurs: (item: YamlDocument) => boolean,
): readonly (YamlDocument | YamlFault)[] | undefined {
  const isList = document.root === 'mapping' && document.peek('kind') === 'List'
  // Sequences of other tools are everywhere, and their tags may be unknown here.
  if ((document.root !== 'sequence' && !isList) || !document.mentions('mooring.dev/')) return undefined
  const constructed = document.construct()
  if ('fault' in constructed) return [constructed.fault]
  const held = isList ? fieldOf(constructed.value, 'items') : constructed.value
  if (!Array.isArray(held)) return undefined
  if (held.length > maxDocuments) return [{ offset: document.offset, message: tooManyDocuments }]
  const items = held.map((value, index) => viewOf(value, isList ? ['items', index] : [index], document))
  const isOurs = items.some((item) => mayBeOurs(item) || itemsOf(item, mayBeOurs) !== undefined)
  return isOurs ? items : undefined
}

/** A document that is a part of another one. */
function viewOf(value: unknown, path: FieldPath, around: YamlDocument): YamlDocument {
  const isMapping = typeof value === 'object' && value !== null && !Array.isArray(value)
  return {
    offset: around.locate(path),
    root: isMapping ? 'mapping' : Array.isArray(value) ? 'sequence' : 'scalar',
    peek: (field, inner) =>
      textOf(inner === undefined ? fieldOf(value, field) : fieldOf(fieldOf(value, field), inner)),
    keys: () => (isMapping ? Object.keys(value) : []),
    mentions: around.mentions,
    construct: () => ({ value }),
    locate: (inner) => around.locate([...path, ...inner]),
  }
}

function fieldOf(value: unknown, field: string): unknown {
  const isMapping = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isMapping && Object.hasOwn(value, field) ? value[field as keyof typeof value] : undefined
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'object' || value === undefined ? undefined : String(value)
}

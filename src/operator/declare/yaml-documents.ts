import {
  boolCoreTag,
  constructFromEvents,
  defineScalarTag,
  EVENT_ID,
  type Event,
  floatCoreTag,
  getScalarValue,
  intCoreTag,
  mapTag,
  mergeTag,
  nullCoreTag,
  parseEvents,
  SCALAR_STYLE,
  Schema,
  seqTag,
  strTag,
  YAMLException,
} from 'js-yaml'
import { errorMessage } from '../../lib/errors.ts'
import type { FieldPath } from './fault.ts'

/** YAML that cannot be read. */
export interface YamlFault {
  /** Within the text, in UTF-16 units. */
  readonly offset: number
  /** It quotes nothing of the text, which may contain a secret. */
  readonly message: string
}

/** One document of a file. Empty documents are left out. */
export interface YamlDocument {
  /** The offset of its first node. */
  readonly offset: number
  /** The type of its root. */
  readonly root: 'mapping' | 'sequence' | 'scalar'
  /** The text of a scalar field of the root, or of a field of that field, without constructing the rest. */
  peek(field: string, inner?: string): string | undefined
  /** The keys of a mapping at the root. */
  keys(): readonly string[]
  /** Whether its text contains this text anywhere. */
  mentions(text: string): boolean
  /** The value of the document, in JSON's types. Aliases share objects. */
  construct(): { readonly value: unknown } | { readonly fault: YamlFault }
  /** The offset of the key of a field or of an item of a list, or of the nearest thing around it. */
  locate(path: FieldPath): number
}

// The core schema of YAML 1.2, and merge keys, which people use. A number that JavaScript cannot hold exactly stays text,
// which a quantity reads exactly.
const exact = (tag: typeof intCoreTag) =>
  defineScalarTag<number | string>(tag.tagName, {
    implicit: true,
    implicitFirstChars: tag.implicitFirstChars,
    resolve: (source, isExplicit, tagName) => {
      const value = tag.resolve(source, isExplicit, tagName)
      return typeof value === 'number' && source.replace(/\D/g, '').length > 15 ? source : value
    },
    identify: () => false,
  })
const schema = new Schema([
  strTag,
  nullCoreTag,
  boolCoreTag,
  exact(intCoreTag),
  exact(floatCoreTag),
  mergeTag,
  seqTag,
  mapTag,
])

/** More than people keep in one file. Each document costs memory until the file is read whole. */
export const maxDocuments = 10_000
export const tooManyDocuments = `has more than ${maxDocuments} documents: split it`

/** As much as etcd takes of one object. The values of a document cost a hundred times its text. */
const maxDocumentLength = 1.5 * 2 ** 20
const tooLongDocument = 'a document is larger than 1.5 MiB: split it'

/** More than a declaration needs. Another limit holds for what they expand to (prepare-value.ts). */
const maxAliases = 1000

/**
 * Splits a file into its documents. A document that is no YAML becomes a fault; the others are read all the same. It never
 * throws.
 */
export function parseYamlDocuments(text: string): (YamlDocument | YamlFault)[] {
  const parts = splitDocuments(text)
  if (parts.length > maxDocuments) return [{ offset: 0, message: tooManyDocuments }]
  return parts.flatMap<YamlDocument | YamlFault>(({ start, end }) => {
    if (end - start > maxDocumentLength) return [{ offset: start, message: tooLongDocument }]
    const chunk = text.slice(start, end)
    try {
      const events = parseEvents(chunk, {})
      return isEmpty(chunk, events) ? [] : [createDocument(chunk, start, events)]
    } catch (error) {
      return [toFault(error, start)]
    }
  })
}

/**
 * Where each document begins and ends. A line that begins with `---` or `...` is always a marker, even within a scalar (YAML
 * 1.2, 9.1.2). So this needs no parser, and a broken document does not affect the next one. Comments and directives before
 * `---` belong to the document that follows.
 */
function splitDocuments(text: string): { start: number; end: number }[] {
  const documents: { start: number; end: number }[] = []
  let start = 0
  let begun = false
  const endAt = (end: number) => {
    if (begun) documents.push({ start, end })
    if (begun) start = end
    begun = false
  }
  for (const { 0: line, index } of text.matchAll(/[^\r\n]+(?:\r\n|\r|\n)?/g)) {
    if (/^\uFEFF?---(?:\s|$)/.test(line)) {
      endAt(index)
      begun = true
    } else if (/^\.\.\.(?:\s|$)/.test(line)) {
      endAt(index + line.length)
    } else if (!/^\uFEFF?(?:\s*(?:#|$)|%)/.test(line)) {
      begun = true
    }
  }
  endAt(text.length)
  return documents
}

/** Only markers and comments, or null at the root. */
function isEmpty(chunk: string, events: readonly Event[]): boolean {
  const [, root] = events
  if (root === undefined) return true
  return (
    root.type === EVENT_ID.SCALAR &&
    root.style === SCALAR_STYLE.PLAIN &&
    /^(?:~|null)?$/i.test(chunk.slice(root.valueStart, root.valueEnd))
  )
}

function createDocument(chunk: string, base: number, events: Event[]): YamlDocument {
  let places: ReadonlyMap<string, number> | undefined
  let read: ReadonlyMap<string, string | undefined> | undefined
  const fields = () => {
    read ??= readFields(chunk, events)
    return read
  }
  const [, first] = events
  return {
    offset: base + (startOf(first) ?? 0),
    root:
      first?.type === EVENT_ID.MAPPING
        ? 'mapping'
        : first?.type === EVENT_ID.SEQUENCE
          ? 'sequence'
          : 'scalar',
    peek: (field, inner) => fields().get(fieldToken(inner === undefined ? [field] : [field, inner])),
    keys: () => [...fields().keys()].filter((key) => !key.includes('\u0000')),
    mentions: (wanted) => chunk.includes(wanted),
    construct() {
      try {
        return { value: constructFromEvents(events, { source: chunk, schema, maxAliases })[0] }
      } catch (error) {
        return { fault: toFault(error, base) }
      }
    },
    locate(path) {
      places ??= findPlaces(chunk, events)
      for (let length = path.length; length > 0; length--) {
        const place = places.get(toKey(path.slice(0, length)))
        if (place !== undefined) return base + place
      }
      return this.offset
    },
  }
}

/**
 * The fields of a mapping at the root, and those within them, with their text where they are scalars. Of two equal ones, the
 * first counts.
 */
function readFields(chunk: string, events: readonly Event[]): ReadonlyMap<string, string | undefined> {
  const fields = new Map<string, string | undefined>()
  /** The current key of the root, and of the mapping within it. Keys and values come in turns. */
  const keys: (string | undefined)[] = []
  const isKey = [true, true]
  let isMapping = false
  let depth = 0
  for (const event of events) {
    if (event.type === EVENT_ID.POP) depth--
    // Depth 1 is the document. Depth 2 has the entries of its root, depth 3 those of the mappings within it.
    const level = depth - 2
    if ((level === 0 || (level === 1 && isMapping)) && event.type !== EVENT_ID.POP) {
      const text = event.type === EVENT_ID.SCALAR ? getScalarValue(chunk, event) : undefined
      if (isKey[level]) keys[level] = text
      else {
        const path = fieldToken(keys.slice(0, level + 1))
        if (keys[level] !== undefined && !fields.has(path)) fields.set(path, text)
      }
      isKey[level] = !isKey[level]
      if (level === 0) {
        isKey[1] = true
        isMapping = event.type === EVENT_ID.MAPPING
      }
    }
    if (event.type <= EVENT_ID.MAPPING) depth++
  }
  return fields
}

const fieldToken = (path: readonly (string | undefined)[]) => path.join('\u0000')

/** Where the key of every field, and every item of a list, begins. */
function findPlaces(chunk: string, events: readonly Event[]): Map<string, number> {
  const places = new Map<string, number>()
  const frames: {
    path: FieldPath
    isMapping: boolean
    key: string | undefined
    at: number
    index: number
  }[] = []
  for (const event of events) {
    if (event.type === EVENT_ID.DOCUMENT) continue
    if (event.type === EVENT_ID.POP) {
      frames.pop()
      continue
    }
    const frame = frames.at(-1)
    const start = startOf(event)
    const at = start === undefined ? (frame?.at ?? 0) : start
    let path: FieldPath = []
    if (frame?.isMapping && frame.key === undefined) {
      frame.key = event.type === EVENT_ID.SCALAR ? getScalarValue(chunk, event) : ''
      frame.at = at
      path = [...frame.path, frame.key]
      places.set(toKey(path), at)
    } else if (frame !== undefined) {
      path = [...frame.path, frame.key ?? frame.index++]
      frame.key = undefined
      if (!frame.isMapping) places.set(toKey(path), at)
    }
    if (event.type === EVENT_ID.MAPPING || event.type === EVENT_ID.SEQUENCE) {
      frames.push({ path, isMapping: event.type === EVENT_ID.MAPPING, key: undefined, at, index: 0 })
    }
  }
  return places
}

const toKey = (path: FieldPath) => JSON.stringify(path)

/** undefined where the node has no text, such as the value of `key:`. */
function startOf(event: Event | undefined): number | undefined {
  if (event === undefined || event.type === EVENT_ID.DOCUMENT || event.type === EVENT_ID.POP) return undefined
  if (event.type === EVENT_ID.ALIAS) return event.anchorStart - 1
  const starts = [event.anchorStart > 0 ? event.anchorStart - 1 : -1, event.tagStart]
  if (event.type === EVENT_ID.SCALAR) {
    const quoted = event.style === SCALAR_STYLE.SINGLE_QUOTED || event.style === SCALAR_STYLE.DOUBLE_QUOTED
    starts.push(quoted ? event.valueStart - 1 : event.valueStart)
  } else {
    starts.push(event.start)
  }
  const known = starts.filter((start) => start >= 0)
  return known.length === 0 ? undefined : Math.min(...known)
}

function toFault(error: unknown, base: number): YamlFault {
  if (!(error instanceof YAMLException))
    return { offset: base, message: `cannot be read as YAML: ${errorMessage(error)}` }
  // The library's message quotes aliases and tags, and a secret without quotes may look like one.
  const reason = error.reason.replace(/\s*(?:"|!<|: ).*$/s, '')
  return { offset: base + (error.mark?.position ?? 0), message: `YAML: ${reason}${remedy(reason)}` }
}

function remedy(reason: string): string {
  if (/alias|tag/.test(reason)) return '. A value that begins with * or & or ! needs quotes'
  if (/bad indentation/.test(reason))
    return '. A value that contains ": " or begins with a special character needs quotes'
  if (/deficient indentation/.test(reason)) return '. A quote or bracket above may not be closed'
  if (/duplicated/.test(reason)) return ': remove one'
  return ''
}

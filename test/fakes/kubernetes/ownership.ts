/**
 * Who owns which field, and what server-side apply makes of it (structured-merge-diff). A field set is the set
 * of its leaves' paths, in the segments of FieldsV1: `f:name`, `k:{"type":"Ready"}`, `v:"x"`.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Cause } from './failure.ts'
import { asRecord, isRecord, type JsonObject } from './json.ts'
import { fieldSchema, keyOfElement, type Schema } from './schema.ts'

export interface Owner {
  readonly manager: string
  readonly operation: 'Apply' | 'Update'
  readonly subresource: string | undefined
  readonly fields: ReadonlySet<string>
}

const separator = '\u0001'

/** Of what no manager owns. */
const systemFields = new Set([
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'generateName',
  'selfLink',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'managedFields',
])

const open: Schema = { 'x-kubernetes-preserve-unknown-fields': true }

const metadataSchema: Schema = {
  properties: {
    finalizers: { type: 'array', 'x-kubernetes-list-type': 'set' },
    ownerReferences: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['uid'],
      items: open,
    },
  },
  'x-kubernetes-preserve-unknown-fields': true,
}

/** The schema of an object's kind, with what metadata's lists are. */
const rooted = (schema: Schema | undefined): Schema => ({
  ...(schema ?? open),
  properties: { ...asRecord(schema?.properties), metadata: metadataSchema },
})

/** Without what no manager owns. */
function ownable(object: JsonObject): JsonObject {
  const { apiVersion: _version, kind: _kind, metadata, ...rest } = object
  const owned = Object.fromEntries(
    Object.entries(asRecord(metadata)).filter(([name]) => !systemFields.has(name)),
  )
  return Object.keys(owned).length > 0 ? { ...rest, metadata: owned } : rest
}

function leaves(
  value: unknown,
  schema: Schema,
  path: string,
  into: Map<string, unknown>,
): Map<string, unknown> {
  const step = (segment: string) => (path ? `${path}${separator}${segment}` : segment)
  const type = schema['x-kubernetes-list-type']
  if (isRecord(value) && Object.keys(value).length > 0 && schema['x-kubernetes-map-type'] !== 'atomic') {
    for (const [name, inner] of Object.entries(value)) {
      leaves(inner, fieldSchema(schema, name) ?? open, step(`f:${name}`), into)
    }
  } else if (Array.isArray(value) && value.length > 0 && type === 'set') {
    for (const item of value) into.set(step(`v:${JSON.stringify(item)}`), item)
  } else if (Array.isArray(value) && value.length > 0 && type === 'map') {
    for (const item of value) {
      const element = step(`k:${keyOfElement(item, schema)}`)
      into.set(`${element}${separator}.`, true)
      leaves(item, asRecord(schema.items), element, into)
    }
  } else if (path && value !== undefined) into.set(path, value)
  return into
}

const leavesOf = (object: JsonObject, schema: Schema) => leaves(ownable(object), schema, '', new Map())

/** Who owns what after an object was written as a whole: changed fields change hands. */
export function ownersAfterUpdate(
  owners: readonly Owner[],
  before: JsonObject | undefined,
  after: JsonObject,
  schema: Schema | undefined,
  writer: { manager: string; subresource: string | undefined },
): Owner[] {
  const old = before ? leavesOf(before, rooted(schema)) : new Map<string, unknown>()
  const now = leavesOf(after, rooted(schema))
  const changed = new Set(
    [...now]
      .filter(([path, value]) => !old.has(path) || !isDeepStrictEqual(old.get(path), value))
      .map(([path]) => path),
  )
  const isWriter = (owner: Owner) =>
    owner.operation === 'Update' &&
    owner.manager === writer.manager &&
    owner.subresource === writer.subresource
  const own = owners.find(isWriter)?.fields ?? new Set()
  const kept = [...own].filter((path) => now.has(path))
  return [
    ...owners
      .filter((owner) => !isWriter(owner))
      .map((owner) => ({
        ...owner,
        fields: new Set([...owner.fields].filter((path) => now.has(path) && !changed.has(path))),
      })),
    { ...writer, operation: 'Update' as const, fields: new Set([...kept, ...changed]) },
  ].filter(({ fields }) => fields.size > 0)
}

export type Applied =
  | { readonly object: JsonObject; readonly owners: Owner[] }
  | { readonly conflicts: readonly Cause[] }

/** What an apply makes of an object (or of nothing), and who owns what then; or which fields others own. */
export function applyFields(
  live: JsonObject | undefined,
  owners: readonly Owner[],
  config: JsonObject,
  schema: Schema | undefined,
  writer: { manager: string; subresource: string | undefined; force: boolean },
): Applied {
  const root = rooted(schema)
  const wanted = leavesOf(config, root)
  const present = live ? leavesOf(live, root) : new Map<string, unknown>()
  const isWriter = (owner: Owner) =>
    owner.operation === 'Apply' &&
    owner.manager === writer.manager &&
    owner.subresource === writer.subresource
  const others = owners.filter((owner) => !isWriter(owner))

  const taken = new Set<string>()
  const conflicts: Cause[] = []
  for (const owner of others) {
    for (const path of owner.fields) {
      if (!wanted.has(path) || isDeepStrictEqual(wanted.get(path), present.get(path))) continue
      taken.add(path)
      conflicts.push({
        reason: 'FieldManagerConflict',
        message: `conflict with "${owner.manager}"${owner.subresource ? ` with subresource "${owner.subresource}"` : ''}${owner.operation === 'Update' ? ` using ${String(config.apiVersion)}` : ''}`,
        field: `.${path.split(separator).map(presentSegment).join('.')}`,
      })
    }
  }
  if (conflicts.length > 0 && !writer.force) return { conflicts }

  const left = others
    .map((owner) => ({ ...owner, fields: new Set([...owner.fields].filter((path) => !taken.has(path))) }))
    .filter(({ fields }) => fields.size > 0)
  let object = asRecord(merge(live ?? {}, config, root))
  const given = owners.find(isWriter)?.fields ?? new Set<string>()
  for (const path of given) {
    if (wanted.has(path) || left.some(({ fields }) => fields.has(path))) continue
    object = asRecord(without(object, path.split(separator), root))
  }
  const { manager, subresource } = writer
  const mine: Owner = { manager, subresource, operation: 'Apply', fields: new Set(wanted.keys()) }
  return { object, owners: mine.fields.size > 0 ? [...left, mine] : left }
}

const presentSegment = (segment: string) => segment.replace(/^[fvk]:/, '')

function merge(live: unknown, applied: unknown, schema: Schema): unknown {
  const type = schema['x-kubernetes-list-type']
  if (isRecord(live) && isRecord(applied) && schema['x-kubernetes-map-type'] !== 'atomic') {
    const result = { ...live }
    for (const [name, value] of Object.entries(applied)) {
      result[name] = name in live ? merge(live[name], value, fieldSchema(schema, name) ?? open) : value
    }
    return result
  }
  if (Array.isArray(live) && Array.isArray(applied) && type === 'set') {
    return [...live, ...applied.filter((item) => !live.some((known) => isDeepStrictEqual(known, item)))]
  }
  if (Array.isArray(live) && Array.isArray(applied) && type === 'map') {
    const rest = new Map(applied.map((item) => [keyOfElement(item, schema), item]))
    const merged = live.map((item) => {
      const key = keyOfElement(item, schema)
      const update = rest.get(key)
      rest.delete(key)
      return update === undefined ? item : merge(item, update, asRecord(schema.items))
    })
    return [...merged, ...rest.values()]
  }
  return applied
}

/** The value without the field at the path; undefined where nothing is left of it. */
function without(value: unknown, [segment = '', ...rest]: readonly string[], schema: Schema): unknown {
  if (segment.startsWith('f:') && isRecord(value)) {
    const name = segment.slice(2)
    if (!(name in value)) return value
    const inner =
      rest.length === 0 ? undefined : without(value[name], rest, fieldSchema(schema, name) ?? open)
    const { [name]: _, ...others } = value
    if (inner !== undefined) return { ...others, [name]: inner }
    return Object.keys(others).length > 0 ? others : undefined
  }
  if (Array.isArray(value)) {
    const left = value.flatMap((item) => {
      const isMeant = segment === `v:${JSON.stringify(item)}` || segment === `k:${keyOfElement(item, schema)}`
      if (!isMeant) return [item]
      if (rest.length === 0 || rest[0] === '.') return []
      return [without(item, rest, asRecord(schema.items)) ?? {}]
    })
    return left.length > 0 ? left : undefined
  }
  return value
}

/** As `metadata.managedFields` shows it. */
export function presentOwners(owners: readonly Owner[], apiVersion: string, time: string): JsonObject[] {
  return owners.map(({ manager, operation, subresource, fields }) => {
    const tree: JsonObject = {}
    for (const path of fields) {
      let node = tree
      for (const segment of path.split(separator)) {
        const next = asRecord(node[segment])
        node[segment] = next
        node = next
      }
    }
    return {
      manager,
      operation,
      apiVersion,
      time,
      fieldsType: 'FieldsV1',
      fieldsV1: tree,
      ...(subresource && { subresource }),
    }
  })
}

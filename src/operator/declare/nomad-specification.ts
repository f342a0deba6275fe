import type { Place, Problem, VolumeDeclaration } from './declaration.ts'
import { apiVersion } from './document.ts'
import { type FieldPath, formatFieldPath } from './fault.ts'
import { type HclObject, parseHcl } from './hcl-parser.ts'
import { type HclToken, tokenizeHcl } from './hcl-tokens.ts'
import type { SecretKeeper } from './secret-reference.ts'
import { createSpecificationReader, dropUndefined } from './specification-reader.ts'
import { readVolume } from './volume.ts'

/** What a file of Nomad's volume specification format declares: at most one volume. */
export interface ParsedSpecification {
  readonly declarations: VolumeDeclaration[]
  readonly problems: Problem[]
  /** What the file says to no effect, as Nomad passes over it silently. */
  readonly warnings: Problem[]
  /** 1 where the file belongs to others: a job, a `type = "host"` volume, an agent's configuration. */
  readonly skipped: number
}

/** Keys by which a file without `type` is known to mean a volume. */
const tellingKeys = [
  'plugin_id',
  'external_id',
  'capability',
  'capacity_min',
  'capacity_max',
  'mount_options',
]

/**
 * Reads one volume specification, HCL1 or JSON, as `nomad volume create` and `nomad volume register` do
 * (command/volume_register_csi.go): with `external_id` it is registered, else created. What only Mooring
 * has takes its default (deletionPolicy Retain), and metadata.name is made of the ID. Never throws; no
 * message quotes a secret.
 */
export function parseNomadSpecification(
  text: string,
  place: (offset: number) => Place,
  keepSecret: SecretKeeper,
): ParsedSpecification {
  const refusal = (offset: number, field: string, message: string): ParsedSpecification => ({
    declarations: [],
    problems: [{ place: place(offset), field, message }],
    warnings: [],
    skipped: 0,
  })
  const owner = findOwner(text)
  if (owner === 'others') return { declarations: [], problems: [], warnings: [], skipped: 1 }
  if (owner !== 'ours') return refusal(owner.offset, owner.field, owner.message)
  const root = parseHcl(text)
  if ('message' in root) return refusal(root.offset, '', `HCL: ${root.message}`)
  return readSpecification(root, place, keepSecret)
}

function findOwner(text: string): 'ours' | 'others' | { offset: number; field: string; message: string } {
  const { tokens, fault } = tokenizeHcl(text)
  const { items, hasLabels, isBalanced } = findOutermost(tokens)
  const type = items.get('type')
  if (type?.value?.toLowerCase() === 'csi') return 'ours'
  // Volumes know no labels; jobs, agents, policies and Terraform do.
  if (type?.value?.toLowerCase() === 'host' || hasLabels) return 'others'
  const unread = 'cannot be read as HCL, so that nobody knows whether it declares a volume'
  if (fault !== undefined) return { offset: fault.offset, field: '', message: `${unread}: ${fault.message}` }
  if (!isBalanced) return { offset: 0, field: '', message: `${unread}: a { or } is missing` }
  if (!tellingKeys.some((key) => items.has(key))) return 'others'
  const message = type === undefined ? 'is missing: write type = "csi"' : 'is neither "csi" nor "host"'
  return { offset: type?.offset ?? tokens[0]?.offset ?? 0, field: 'type', message }
}

/** The keys that stand in no block, with the text of those that are given one. */
function findOutermost(tokens: readonly HclToken[]) {
  const items = new Map<string, { offset: number; value: string | undefined }>()
  const isPunctuation = (token: HclToken | undefined, ...texts: string[]) =>
    token?.kind === 'punctuation' && texts.includes(token.text)
  const outermost = isPunctuation(tokens[0], '{') ? 1 : 0
  let depth = 0
  let hasLabels = false
  for (const [index, token] of tokens.entries()) {
    if (isPunctuation(token, '{', '[')) depth++
    if (isPunctuation(token, '}', ']')) depth--
    const [next, afterNext] = [tokens[index + 1], tokens[index + 2]]
    if (depth !== outermost || (token.kind !== 'identifier' && token.kind !== 'string')) continue
    if (token.kind === 'identifier' && next?.kind === 'string') hasLabels = true
    if (!isPunctuation(next, '=', ':', '{')) continue
    const value = afterNext?.kind === 'string' && !isPunctuation(next, '{') ? afterNext.text : undefined
    items.set(token.text.toLowerCase(), { offset: token.offset, value })
  }
  return { items, hasLabels, isBalanced: depth === 0 }
}

function readSpecification(
  root: HclObject,
  place: (offset: number) => Place,
  keepSecret: SecretKeeper,
): ParsedSpecification {
  const reader = createSpecificationReader(root)
  const id = reader.text('id')
  const externalID = reader.text('external_id')
  const name = reader.text('name')
  const context = reader.stringMap('context')
  const capabilities = reader.capabilities()
  const mountOptions = reader.mountOptions(capabilities)
  const snapshotID = reader.text('snapshot_id')
  const cloneID = reader.text('clone_id')
  const secrets = reader.stringMap('secrets')
  if (snapshotID !== undefined && cloneID !== undefined)
    reader.problem(['clone_id'], 'goes not with snapshot_id: give one of the two')
  if (externalID !== undefined) {
    for (const key of ['snapshot_id', 'clone_id'])
      reader.warnIfGiven(key, 'fills a volume that is created, and external_id registers one that is there')
  } else if (context !== undefined && Object.keys(context).length > 0) {
    reader.warnIfGiven('context', 'belongs to a volume that is registered: a created one has its plugin’s')
  }
  const spec = {
    volumeID: id,
    namespace: reader.text('namespace'),
    pluginID: reader.text('plugin_id'),
    externalID,
    // What Nomad shows as the name of a registered volume is no name for the plugin: it is added below.
    name: externalID === undefined ? name : undefined,
    source: externalID === undefined ? sourceOf(snapshotID, cloneID) : undefined,
    capacity: dropUndefined({ min: reader.capacity('capacity_min'), max: reader.capacity('capacity_max') }),
    capabilities,
    mountOptions,
    topology: reader.topology(),
    parameters: reader.stringMap('parameters'),
    context: externalID === undefined ? undefined : context,
  }
  reader.warnOfTheRest()
  if (id === undefined) reader.problem(['id'], 'is missing: the ID of the volume in Nomad')
  const reading = readVolume(
    {
      apiVersion,
      kind: 'Volume',
      metadata: { name: nameFor(id ?? 'volume') },
      spec: dropUndefined({ ...spec, volumeID: id ?? 'volume' }),
    },
    'default',
  )
  const problems: Problem[] = reader.problems.map(({ path, message }) => at(path, message))
  const warnings = reader.warnings.map(({ path, message }) => at(path, message))
  if ('faults' in reading) {
    for (const { path, message } of reading.faults) {
      const field = fieldOf(path)
      const isTold = reader.problems.some((problem) => problem.path[0] === field[0])
      if (!isTold) problems.push(at(field, message))
    }
  }
  if (problems.length > 0 || 'faults' in reading) return { declarations: [], problems, warnings, skipped: 0 }

  const references = secrets && Object.entries(secrets).map(([key, value]) => [key, keepSecret(value)])
  const declaration: VolumeDeclaration = {
    kind: 'Volume',
    ...reading,
    spec: {
      ...reading.spec,
      ...(name === undefined ? {} : { name }),
      ...(references === undefined ? {} : { secrets: Object.fromEntries(references) }),
    },
    place: place(root.items[0]?.offset ?? 0),
  }
  return { declarations: [declaration], problems: [], warnings, skipped: 0 }

  function at(path: FieldPath, message: string): Problem {
    return { place: place(reader.locate(path)), field: formatFieldPath(path), message }
  }
}

function sourceOf(snapshotID: string | undefined, cloneID: string | undefined) {
  if (snapshotID === undefined && cloneID === undefined) return undefined
  return snapshotID === undefined ? { cloneID } : { snapshotID }
}

/** What other declarations refer to: the ID, where a name may be written so, else the ID with dashes. */
function nameFor(id: string): string {
  if (/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(id)) return id
  return (
    id
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .slice(0, 253)
      .replace(/^-+|-+$/g, '') || 'volume'
  )
}

const fieldNames: Readonly<Record<string, readonly string[]>> = {
  volumeID: ['id'],
  pluginID: ['plugin_id'],
  externalID: ['external_id'],
  'source.snapshotID': ['snapshot_id'],
  'source.cloneID': ['clone_id'],
  'capacity.min': ['capacity_min'],
  'capacity.max': ['capacity_max'],
  capabilities: ['capability'],
  accessMode: ['access_mode'],
  attachmentMode: ['attachment_mode'],
  mountOptions: ['mount_options'],
  fsType: ['fs_type'],
  mountFlags: ['mount_flags'],
  topology: ['topology_request'],
}

/** From a field of the declaration to the key that the specification file has for it. */
function fieldOf(path: FieldPath): FieldPath {
  const [, first = '', second = '', ...rest] = path
  const both = fieldNames[`${first}.${second}`]
  if (both !== undefined) return [...both, ...rest]
  return path.slice(1).flatMap<string | number>((part) => fieldNames[part] ?? [part])
}

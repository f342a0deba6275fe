import type { Declaration, Place, Problem, VolumeDeclaration } from './declaration.ts'
import { apiVersion } from './document.ts'
import type { Reading } from './explain-faults.ts'
import { type FieldPath, formatFieldPath } from './fault.ts'
import { type HclObject, parseHcl } from './hcl-parser.ts'
import { type HclToken, tokenizeHcl } from './hcl-tokens.ts'
import { readHostVolume } from './host-volume.ts'
import { describeOther, type OtherDocument } from './other-document.ts'
import type { StoreSecret } from './secret-reference.ts'
import { createSpecificationReader, dropUndefined } from './specification-reader.ts'
import { readVolume } from './volume.ts'

/** The content of a volume specification file of Nomad. It declares at most one volume. */
export interface ParsedSpecification {
  readonly declarations: Declaration[]
  readonly problems: Problem[]
  /** Parts without effect, which Nomad ignores silently. */
  readonly warnings: Problem[]
  /** The whole file where it is something else: a job, the configuration of an agent. */
  readonly others: OtherDocument[]
}

/** A file without `type` that has one of these keys is meant to be a volume. */
const tellingKeys = [
  'plugin_id',
  'external_id',
  'capability',
  'capacity_min',
  'capacity_max',
  'mount_options',
]

/**
 * Parses one volume specification, in HCL1 or JSON, like `nomad volume create` and `nomad volume register`
 * (command/volume_register_csi.go, volume_create_host.go): a CSI volume with `external_id` is registered, otherwise created. The fields that only
 * Mooring has get their defaults (deletionPolicy Retain), and metadata.name comes from the ID. It never throws, and no
 * message quotes a secret.
 */
export function parseNomadSpecification(
  text: string,
  place: (offset: number) => Place,
  storeSecret: StoreSecret,
): ParsedSpecification {
  const refusal = (offset: number, field: string, message: string): ParsedSpecification => ({
    declarations: [],
    problems: [{ place: place(offset), field, message }],
    warnings: [],
    others: [],
  })
  const owner = findOwner(text)
  if (owner === 'others') {
    const { tokens } = tokenizeHcl(text)
    const keys = [...findOutermost(tokens).items.keys()]
    // An empty file, or one with comments alone, holds no document.
    const others = tokens.length === 0 ? [] : [describeOther({}, keys, place(0).line)]
    return { declarations: [], problems: [], warnings: [], others }
  }
  if (typeof owner !== 'string') return refusal(owner.offset, owner.field, owner.message)
  const root = parseHcl(text)
  if ('message' in root) return refusal(root.offset, '', `HCL: ${root.message}`)
  return owner === 'host' ? readHostSpecification(root, place) : readSpecification(root, place, storeSecret)
}

function findOwner(
  text: string,
): 'csi' | 'host' | 'others' | { offset: number; field: string; message: string } {
  const { tokens, fault } = tokenizeHcl(text)
  const { items, hasLabels, isBalanced } = findOutermost(tokens)
  const type = items.get('type')
  const written = type?.value?.toLowerCase()
  if (written === 'csi' || written === 'host') return written
  // Volumes have no labels. Jobs, agents, policies and Terraform have.
  if (hasLabels) return 'others'
  const unread = 'cannot be read as HCL, so nobody knows whether it declares a volume'
  if (fault !== undefined) return { offset: fault.offset, field: '', message: `${unread}: ${fault.message}` }
  if (!isBalanced) return { offset: 0, field: '', message: `${unread}: a { or } is missing` }
  if (!tellingKeys.some((key) => items.has(key))) return 'others'
  const message = type === undefined ? 'is missing: write type = "csi"' : 'is neither "csi" nor "host"'
  return { offset: type?.offset ?? tokens[0]?.offset ?? 0, field: 'type', message }
}

/** The keys outside of all blocks, with their value where that is a text. */
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
  storeSecret: StoreSecret,
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
    reader.problem(['clone_id'], 'cannot be combined with snapshot_id: remove one of the two')
  if (externalID !== undefined) {
    for (const key of ['snapshot_id', 'clone_id'])
      reader.warnIfGiven(key, 'fills a new volume, and external_id registers an existing one')
  } else if (context !== undefined && Object.keys(context).length > 0) {
    reader.warnIfGiven(
      'context',
      'is for a volume that is registered: the plugin gives a created volume its context',
    )
  }
  const spec = {
    volumeID: id,
    namespace: reader.text('namespace'),
    pluginID: reader.text('plugin_id'),
    externalID,
    // The name of a registered volume is only for Nomad, not for the plugin. It is added below.
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
  const { problems, warnings } = collectFindings(reader, reading, place)
  if (problems.length > 0 || 'faults' in reading) return { declarations: [], problems, warnings, others: [] }

  const references = secrets && Object.entries(secrets).map(([key, value]) => [key, storeSecret(value)])
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
  return { declarations: [declaration], problems: [], warnings, others: [] }
}

/** A dynamic host volume. What this release does not do is refused: it would make another volume than Nomad's CLI. */
function readHostSpecification(root: HclObject, place: (offset: number) => Place): ParsedSpecification {
  const reader = createSpecificationReader(root)
  const name = reader.text('name')
  const capabilities = reader.capabilities()
  reader.warnIfGiven('id', 'is chosen by Nomad, and Mooring finds the volume by its name')
  reader.refuseIfGiven(
    'constraint',
    'is not supported: this release places a volume by node_pool or node_id. Write one of them',
  )
  reader.refuseIfGiven(
    'host_path',
    'is not supported: this release creates and adopts host volumes, and registers no folder. Register it by nomad volume register, and remove this key: Mooring then adopts the volume',
  )
  const spec = {
    name,
    namespace: reader.text('namespace'),
    pluginID: reader.text('plugin_id'),
    placement: dropUndefined({ nodePool: reader.text('node_pool'), node: reader.text('node_id') }),
    capacity: dropUndefined({ min: reader.capacity('capacity_min'), max: reader.capacity('capacity_max') }),
    capabilities: capabilities.length === 0 ? undefined : capabilities,
    parameters: reader.stringMap('parameters'),
  }
  reader.warnOfTheRest()
  if (name === undefined) reader.problem(['name'], 'is missing: the name that jobs give as source')
  const reading = readHostVolume(
    {
      apiVersion,
      kind: 'HostVolume',
      metadata: { name: nameFor(name ?? 'volume') },
      spec: dropUndefined({ ...spec, name: name ?? 'volume' }),
    },
    'default',
  )
  const { problems, warnings } = collectFindings(reader, reading, place)
  if (problems.length > 0 || 'faults' in reading) return { declarations: [], problems, warnings, others: [] }
  const declaration = { kind: 'HostVolume', ...reading, place: place(root.items[0]?.offset ?? 0) } as const
  return { declarations: [declaration], problems: [], warnings, others: [] }
}

/** What is wrong with a specification, and what in it has no effect. A key is reported once. */
function collectFindings(
  reader: ReturnType<typeof createSpecificationReader>,
  reading: Reading<unknown>,
  place: (offset: number) => Place,
): { problems: Problem[]; warnings: Problem[] } {
  const at = (path: FieldPath, message: string): Problem => ({
    place: place(reader.locate(path)),
    field: formatFieldPath(path),
    message,
  })
  const problems = reader.problems.map(({ path, message }) => at(path, message))
  for (const { path, message } of 'faults' in reading ? reading.faults : []) {
    const field = fieldOf(path)
    const isReported = reader.problems.some((problem) => problem.path[0] === field[0])
    if (!isReported) problems.push(at(field, message))
  }
  return { problems, warnings: reader.warnings.map(({ path, message }) => at(path, message)) }
}

function sourceOf(snapshotID: string | undefined, cloneID: string | undefined) {
  if (snapshotID === undefined && cloneID === undefined) return undefined
  return snapshotID === undefined ? { cloneID } : { snapshotID }
}

/** The name for other declarations: the ID where that is a valid name, otherwise the ID with dashes. */
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
  'placement.nodePool': ['node_pool'],
  'placement.node': ['node_id'],
}

/** The key of the specification file for a field of the declaration. */
function fieldOf(path: FieldPath): FieldPath {
  const [, first = '', second = '', ...rest] = path
  const both = fieldNames[`${first}.${second}`]
  if (both !== undefined) return [...both, ...rest]
  return path.slice(1).flatMap<string | number>((part) => fieldNames[part] ?? [part])
}

import type Type from 'typebox'
import type { Declaration, Place, Problem } from './declaration.ts'
import { apiVersion } from './document.ts'
import { closest, type Reading } from './explain-faults.ts'
import { type Fault, type FieldPath, formatFieldPath } from './fault.ts'
import { parseNomadSpecification } from './nomad-specification.ts'
import { createPositions } from './positions.ts'
import { dropNulls, expandAliases } from './prepare-value.ts'
import type { SecretKeeper } from './secret-reference.ts'
import { readSnapshot, SnapshotDocument, type SnapshotSpec } from './snapshot.ts'
import {
  readSnapshotSchedule,
  SnapshotScheduleDocument,
  type SnapshotScheduleSpec,
} from './snapshot-schedule.ts'
import { expandVariables, type Variables } from './variables.ts'
import { readVolume, VolumeDocument, type VolumeSpec } from './volume.ts'
import { parseYamlDocuments, type YamlDocument } from './yaml-documents.ts'

/** Nomad namespace of a file's declarations that name none. */
const defaultNamespace = 'default'

const knownKinds = ['Volume', 'Snapshot', 'SnapshotSchedule']

/** What one file declares. */
export interface ParsedDeclarations {
  /** In the order of the file. */
  readonly declarations: Declaration[]
  readonly problems: Problem[]
  /** What stands there to no effect. It keeps nothing from being used. */
  readonly warnings: Problem[]
  /** How many documents belong to others: Kubernetes objects, Compose files, job files and the like. */
  readonly skipped: number
}

export interface ParseOptions {
  /** Values of `${NAME}` in YAML; none where not given. */
  readonly variables?: Variables
  /** Where the secrets of Nomad's own files go. Not given: nowhere, for those who only check. */
  readonly keepSecret?: SecretKeeper
}

const keepNothing: SecretKeeper = () => ({ fromSpecification: '' })

/**
 * Reads the declarations of one file: YAML or JSON documents of ours, or one volume specification of
 * Nomad's in HCL (`*.hcl`) or JSON. Each document stands for itself: one that is broken or refused is a
 * problem with its line and column, and the others of the file are read all the same.
 * Never throws, whatever the text; no message quotes a secret.
 */
export function parseDeclarations(
  text: string,
  origin: Pick<Place, 'source' | 'file' | 'commit'>,
  { variables = new Map(), keepSecret = keepNothing }: ParseOptions = {},
): ParsedDeclarations {
  const source = text.replace(/^\uFEFF/, '')
  const positionAt = createPositions(source)
  const parseSpecification = () =>
    parseNomadSpecification(
      source,
      (offset) => ({ ...origin, document: 0, ...positionAt(offset) }),
      keepSecret,
    )
  const isJson = source.trimStart().startsWith('{')
  if (!isJson && /\.hcl$/i.test(origin.file === '' ? origin.source : origin.file)) return parseSpecification()

  const declarations: Declaration[] = []
  const problems: Problem[] = []
  let skipped = 0
  for (const [position, document] of parseYamlDocuments(source).entries()) {
    const placeAt = (offset: number): Place => ({ ...origin, document: position, ...positionAt(offset) })
    if ('message' in document) {
      problems.push({ place: placeAt(document.offset), field: '', message: document.message })
      continue
    }
    if (isJson && mayBeSpecification(document)) return parseSpecification()
    const parsed = parseDocument(document, placeAt, variables)
    if (parsed === 'skipped') skipped++
    else if ('problems' in parsed) problems.push(...parsed.problems)
    else declarations.push(parsed)
  }
  return { declarations, problems, warnings: [], skipped }
}

function parseDocument(
  document: YamlDocument,
  placeAt: (offset: number) => Place,
  variables: Variables,
): Declaration | { problems: Problem[] } | 'skipped' {
  const problem = (path: FieldPath, message: string, offset = document.locate(path)): Problem => ({
    place: placeAt(offset),
    field: formatFieldPath(path),
    message,
  })
  const kind = document.peek('kind')
  const owner = findOwner(document, kind)
  if (owner === 'others') return 'skipped'
  if (owner !== 'ours') return { problems: [problem(owner.path, owner.message)] }

  const constructed = document.construct()
  if ('fault' in constructed)
    return { problems: [problem([], constructed.fault.message, constructed.fault.offset)] }
  const expanded = expandAliases(constructed.value)
  if ('fault' in expanded) return { problems: [problem(expanded.fault.path, expanded.fault.message)] }
  const filled = expandVariables(expanded.value, variables)
  if (filled.faults.length > 0)
    return { problems: filled.faults.map(({ path, message }) => problem(path, message)) }

  const place = placeAt(document.offset)
  const read = <Spec>(
    schema: Type.TSchema,
    readKind: (value: unknown, namespace: string) => Reading<Spec>,
    declare: (declared: {
      name: string
      labels: Readonly<Record<string, string>>
      spec: Spec
      place: Place
    }) => Declaration,
  ) => {
    const reading = readKind(dropNulls(schema, filled.value), defaultNamespace)
    if (!('faults' in reading)) return declare({ ...reading, place })
    const problems = reading.faults.map(({ path, message }) => problem(path, message))
    return {
      problems: problems.sort((a, b) => a.place.line - b.place.line || a.place.column - b.place.column),
    }
  }
  switch (kind) {
    case 'Snapshot':
      return read<SnapshotSpec>(SnapshotDocument, readSnapshot, (declared) => ({ kind, ...declared }))
    case 'SnapshotSchedule':
      return read<SnapshotScheduleSpec>(SnapshotScheduleDocument, readSnapshotSchedule, (declared) => ({
        kind,
        ...declared,
      }))
    default:
      return read<VolumeSpec>(VolumeDocument, readVolume, (declared) => ({ kind: 'Volume', ...declared }))
  }
}

/** Whether a document is a declaration. One that means to be and is misspelt is a fault, not somebody else's. */
function findOwner(document: YamlDocument, kind: string | undefined): 'ours' | 'others' | Fault {
  if (document.root === 'sequence') return 'others'
  if (document.root === 'scalar') {
    return {
      path: [],
      message: 'is not a declaration but plain text: a document begins with apiVersion and kind',
    }
  }
  const isOurKind = kind !== undefined && knownKinds.includes(kind)
  const version = document.peek('apiVersion')
  const write = `write apiVersion: ${apiVersion}`
  if (version === undefined) {
    return isOurKind ? { path: ['apiVersion'], message: `is missing: ${write}` } : 'others'
  }
  if (version !== apiVersion) {
    const [group] = apiVersion.split('/')
    const isOurs =
      version.toLowerCase().split('/')[0] === group || closest(version, [apiVersion]) !== undefined
    return isOurs ? { path: ['apiVersion'], message: `is not known to this release: ${write}` } : 'others'
  }
  if (kind !== undefined && knownKinds.includes(kind)) return 'ours'
  if (kind === 'NomadCluster') {
    return {
      path: ['kind'],
      message:
        'NomadCluster is for objects of Kubernetes only: files are for the cluster that the NOMAD_* settings name',
    }
  }
  const meant = closest(kind ?? '', knownKinds)
  const known = `this release knows ${new Intl.ListFormat('en').format(knownKinds)}`
  return { path: ['kind'], message: meant === undefined ? known : `did you mean ${meant}? ${known}` }
}

/** Whether a JSON document may be one of Nomad's; whose it is in the end is for its own reader to say. */
function mayBeSpecification(document: YamlDocument): boolean {
  const has = (field: string) => document.peek(field) !== undefined
  return !has('apiVersion') && !has('kind') && (has('type') || has('plugin_id'))
}

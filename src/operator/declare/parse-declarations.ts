import { anyKindPattern, type DeclaredKind, isDeclaredKind, kindNames } from '../../lib/declared-kinds.ts'
import type { Declaration, Place, Problem } from './declaration.ts'
import { apiVersion } from './document.ts'
import { itemsOf } from './document-items.ts'
import { closest } from './explain-faults.ts'
import { type Fault, type FieldPath, formatFieldPath } from './fault.ts'
import { parseNomadSpecification } from './nomad-specification.ts'
import { describeOther, type OtherDocument } from './other-document.ts'
import { createPositions } from './positions.ts'
import { expandAliases } from './prepare-value.ts'
import { readKind } from './readers.ts'
import type { StoreSecret } from './secret-reference.ts'
import { expandVariables, type Variables } from './variables.ts'
import { findWholeFileFault } from './whole-file-faults.ts'
import { parseYamlDocuments, type YamlDocument, type YamlFault } from './yaml-documents.ts'

/** The Nomad namespace of declarations in files that name none. */
const defaultNamespace = 'default'

const knownKinds = `this release knows ${new Intl.ListFormat('en').format(kindNames)}`

/** The content of one file. */
export interface ParsedDeclarations {
  /** In the order of the file. */
  readonly declarations: Declaration[]
  readonly problems: Problem[]
  /** Parts without effect. The declarations are used all the same. */
  readonly warnings: Problem[]
  /** The documents that are something else: Kubernetes objects, Compose files, job files. */
  readonly others: OtherDocument[]
}

export interface ParseOptions {
  /** Values of `${NAME}` in YAML. Default: none. */
  readonly variables?: Variables
  /** Stores the secrets of Nomad's own files. Absent: they are dropped, for whoever only checks files. */
  readonly storeSecret?: StoreSecret
}

/** What a declaration, or a specification of Nomad, has in it. */
const speaksOfUs = new RegExp(`mooring\\.dev|plugin_id|"host"|^ *kind: *['"]?${anyKindPattern}\\b`, 'im')

const dropSecret: StoreSecret = () => ({ fromSpecification: '' })

/**
 * Parses the declarations of one file: YAML or JSON documents of Mooring, or one volume specification of Nomad in HCL
 * (`*.hcl`; `*.nomad` and `*.volume` too, which only a command names) or JSON. A document that is broken or refused is a problem with its line and column; the other documents of
 * the file are used. It never throws, and no message quotes a secret.
 */
export function parseDeclarations(
  text: string,
  origin: Pick<Place, 'source' | 'file' | 'commit'>,
  { variables = new Map(), storeSecret = dropSecret }: ParseOptions = {},
): ParsedDeclarations {
  const source = text.replace(/^\uFEFF/, '')
  const positionAt = createPositions(source)
  const fault = findWholeFileFault(source)
  if (fault !== undefined) {
    const place = { ...origin, document: 0, ...positionAt(fault.offset) }
    return {
      declarations: [],
      problems: [{ place, field: '', message: fault.message }],
      warnings: [],
      others: [],
    }
  }
  const parseSpecification = () =>
    parseNomadSpecification(
      source,
      (offset) => ({ ...origin, document: 0, ...positionAt(offset) }),
      storeSecret,
    )
  const isJson = source.trimStart().startsWith('{')
  if (!isJson && /\.(?:hcl|nomad|volume)$/i.test(origin.file === '' ? origin.source : origin.file))
    return parseSpecification()

  const parsed: ParsedDeclarations = { declarations: [], problems: [], warnings: [], others: [] }
  let position = 0
  function add(document: YamlDocument | YamlFault): void {
    const items =
      'message' in document ? undefined : itemsOf(document, (item) => findOwner(item) !== 'others')
    if (items !== undefined) {
      for (const item of items) add(item)
      return
    }
    const documentIndex = position++
    const placeAt = (offset: number): Place => ({ ...origin, document: documentIndex, ...positionAt(offset) })
    if ('message' in document) {
      parsed.problems.push({
        place: placeAt(document.offset),
        field: '',
        message: document.message,
        ...(origin.file !== '' && !speaksOfUs.test(source) ? { isOfOthers: true } : {}),
      })
      return
    }
    const result = parseDocument(document, placeAt, variables)
    if (result === 'others') parsed.others.push(describe(document, placeAt(document.offset).line))
    else if ('problems' in result) parsed.problems.push(...result.problems)
    else parsed.declarations.push(result)
  }
  for (const document of parseYamlDocuments(source)) {
    if (isJson && !('message' in document) && mayBeSpecification(document)) return parseSpecification()
    add(document)
  }
  return parsed
}

function describe(document: YamlDocument, line: number): OtherDocument {
  const names = {
    apiVersion: document.peek('apiVersion'),
    kind: document.peek('kind'),
    namespace: document.peek('metadata', 'namespace'),
    name: document.peek('metadata', 'name'),
  }
  return describeOther(names, [document.root, ...document.keys()], line)
}

function parseDocument(
  document: YamlDocument,
  placeAt: (offset: number) => Place,
  variables: Variables,
): Declaration | { problems: Problem[] } | 'others' {
  const problem = (path: FieldPath, message: string, offset = document.locate(path)): Problem => ({
    place: placeAt(offset),
    field: formatFieldPath(path),
    message,
  })
  const kind = document.peek('kind')
  const owner = findOwner(document)
  if (owner === 'others') return 'others'
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
  // findOwner has checked the kind.
  const reading = readKind(kind as DeclaredKind, filled.value, defaultNamespace)
  if (!('faults' in reading)) return { ...reading, place }
  const problems = reading.faults.map(({ path, message }) => problem(path, message))
  return {
    problems: problems.sort((a, b) => a.place.line - b.place.line || a.place.column - b.place.column),
  }
}

/** Whether a document is a declaration of Mooring. One with a misspelt kind or apiVersion is a fault. */
function findOwner(document: YamlDocument): 'ours' | 'others' | Fault {
  if (document.root === 'sequence') return 'others'
  if (document.root === 'scalar') {
    return {
      path: [],
      message: 'is plain text and no declaration: begin the document with apiVersion and kind',
    }
  }
  const kind = document.peek('kind')
  const isOurKind = kind !== undefined && isDeclaredKind(kind)
  const version = document.peek('apiVersion')
  const keys = document.keys()
  const isEncrypted = (text: string | undefined) => text === undefined || text.startsWith('ENC[')
  if (keys.includes('sops') && (isOurGroup(version) || isEncrypted(version) || isEncrypted(kind))) {
    return {
      path: ['sops'],
      message:
        'the document is encrypted with SOPS, which Mooring does not read: decrypt it before (sops decrypt --in-place FILE), and name its secrets by reference',
    }
  }
  const isHidden = version === undefined || kind === undefined
  if (keys.includes('<<') && isHidden && document.mentions('mooring.dev/')) {
    return {
      path: ['<<'],
      message: 'a merge key at the root hides what the document is: write apiVersion and kind out',
    }
  }
  const write = `write apiVersion: ${apiVersion}`
  if (version === undefined) {
    return isOurKind ? { path: ['apiVersion'], message: `is missing: ${write}` } : 'others'
  }
  if (version !== apiVersion) {
    const isOurs = isOurGroup(version) || closest(version, [apiVersion]) !== undefined
    return isOurs ? { path: ['apiVersion'], message: `is not known to this release: ${write}` } : 'others'
  }
  if (kind !== undefined && isDeclaredKind(kind)) return 'ours'
  if (kind === 'NomadCluster') {
    return {
      path: ['kind'],
      message:
        'NomadCluster is only for objects of Kubernetes: files are for the cluster of the NOMAD_* settings',
    }
  }
  if (kind === undefined) return missingKind(document)
  const meant = closest(kind, kindNames)
  return {
    path: ['kind'],
    message: meant === undefined ? knownKinds : `did you mean ${meant}? ${knownKinds}`,
  }
}

/** A field that only documents of one kind have. */
const tellingFields = [
  ['pluginID', 'Volume'],
  ['externalID', 'Volume'],
  ['schedule', 'SnapshotSchedule'],
  ['volume', 'Snapshot'],
] as const

/** Our apiVersion without a kind: it is misspelt, or the fields say which one is meant. */
function missingKind(document: YamlDocument): Fault {
  const misspelt = closest(
    'kind',
    document.keys().filter((key) => !['apiVersion', 'metadata', 'spec'].includes(key)),
  )
  if (misspelt !== undefined) return { path: [misspelt], message: 'is not a field here: did you mean kind?' }
  const [, meant] = tellingFields.find(([field]) => document.peek('spec', field) !== undefined) ?? []
  return {
    path: ['kind'],
    message: meant === undefined ? `is missing: ${knownKinds}` : `is missing: write kind: ${meant}`,
  }
}

function isOurGroup(version: string | undefined): boolean {
  return version?.toLowerCase().split('/')[0] === apiVersion.split('/')[0]
}

/** Whether a JSON document may be a specification of Nomad. The parser of those decides. */
function mayBeSpecification(document: YamlDocument): boolean {
  const has = (field: string) => document.peek(field) !== undefined
  return !has('apiVersion') && !has('kind') && (has('type') || has('plugin_id'))
}

import process from 'node:process'
import { Argument, Option } from 'commander'
import {
  type DeclaredKind,
  declaredKinds,
  isDeclaredKind,
  kindNames,
  kindWords,
  listOr,
} from '../lib/declared-kinds.ts'
import { defaultStateDirectory } from '../lib/state-directory.ts'
import type { Row } from '../operator/admin/row.ts'
import type { Key } from '../operator/plan/identity.ts'
import { WrongUseError } from './exit-status.ts'

/** The word by which commands call the kind of a row. */
export function kindWordOf(kind: string): string {
  return isDeclaredKind(kind) ? declaredKinds[kind].word : kind // Rows of files and of other kinds have no command.
}

/** What help says of a target. @param kind the one that is meant where none is given */
export function describeTarget(kind: DeclaredKind): string {
  return `[kind] name, or [kind] namespace/name; the kind is ${listOr(kindWords)} (default: ${declaredKinds[kind].word})`
}

/** The first argument of every command that is about one declaration. Completion offers names for it. */
export class TargetArgument extends Argument {
  /** The kind that is meant where none is given. Undefined: one has to be given. */
  readonly kind: DeclaredKind | undefined

  constructor(kind: DeclaredKind, description?: string, name?: string)
  constructor(kind: undefined, description: string)
  constructor(kind: DeclaredKind | undefined, description?: string, name = '<target...>') {
    super(name, description ?? (kind === undefined ? undefined : describeTarget(kind)))
    this.kind = kind
  }
}

export const namespaceOption = () =>
  new Option('-n, --namespace <name>', 'Nomad namespace of a name that is given without one')
    .default('default')
    .env('NOMAD_NAMESPACE')

export const clusterOption = () =>
  new Option(
    '--cluster <name>',
    "in Kubernetes: the NomadCluster that is meant (default: the Nomad of the operator's own settings)",
  )

export const dataDirOption = () =>
  new Option('--data-dir <folder>', 'folder of all that Mooring keeps')
    .default(defaultStateDirectory(process.env), '$XDG_STATE_HOME/mooring')
    .env('MOORING_DATA_DIR')

/** Flags of every command that is about one declaration. */
export interface TargetFlags {
  readonly dataDir: string
  /** The name of a NomadCluster. */
  readonly cluster?: string
  readonly namespace: string
}

export const targetOptions = () => [namespaceOption(), clusterOption(), dataDirOption()]

/**
 * The key of what a person names: `data`, `prod/data`, `volume data`, `volume prod/data`, or `Volume/prod/data` as
 * messages print it. A volume is named by its ID in Nomad, the others by metadata.name.
 * @param kind the one that is meant where none is given
 * @throws WrongUseError
 */
export function parseTarget(words: readonly string[], namespace: string, kind: DeclaredKind): Key {
  const [first = '', second, ...others] = words
  if (others.length > 0)
    throw new WrongUseError(`"${words.join(' ')}" is more than one target: write a kind and a name`)
  if (second !== undefined) return `${parseKind(first)}/${withNamespace(second, namespace)}`
  const whole = parseKey(first)
  if (whole !== undefined) return whole
  if (kindOf(first) !== undefined)
    throw new WrongUseError(`"${first}" is a kind, and the name is missing: write ${first} NAME`)
  return `${kind}/${withNamespace(first, namespace)}`
}

/** What `mooring get` is asked for: all of a kind, or one. @throws WrongUseError */
export function parseKindOrTarget(
  words: readonly string[],
  namespace: string,
): { kind: DeclaredKind; key?: Key } {
  const [first = '', ...others] = words
  const whole = parseKey(first)
  const kind = parseKind(whole?.slice(0, whole.indexOf('/')) ?? first)
  if (whole === undefined && others.length === 0) return { kind }
  return { kind, key: parseTarget(words, namespace, kind) }
}

/** Reads a key as messages print it. No part of a key holds a slash. */
function parseKey(text: string): Key | undefined {
  const [kind = '', namespace, name, ...others] = text.split('/')
  if (name === undefined || others.length > 0) return undefined
  return `${parseKind(kind)}/${namespace}/${name}`
}

function withNamespace(name: string, namespace: string): string {
  return name.includes('/') ? name : `${namespace}/${name}`
}

function kindOf(text: string): DeclaredKind | undefined {
  const written = text.toLowerCase()
  return kindNames.find((kind) => {
    const { word, plural, shortForms } = declaredKinds[kind]
    return [kind.toLowerCase(), word, plural, ...shortForms].includes(written)
  })
}

function parseKind(text: string): DeclaredKind {
  const kind = kindOf(text)
  if (kind === undefined) throw new WrongUseError(`"${text}" is not a kind: write ${listOr(kindWords)}`)
  return kind
}

/** Whether a row shows the identity. */
export function isRowOf(row: Row, key: Key): boolean {
  return `${row.kind}/${row.name}` === key
}

/** Whether a row shows one of the volumes that a declaration with perAlloc makes. */
export function isInstanceRowOf(row: Row, key: Key): boolean {
  const at = `${row.kind}/${row.name}`
  return at.startsWith(`${key}[`) && /^\[\d+\]$/.test(at.slice(key.length))
}

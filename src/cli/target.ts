import process from 'node:process'
import { Argument, Option } from 'commander'
import { defaultStateDirectory } from '../lib/state-directory.ts'
import type { Row } from '../operator/admin/row.ts'
import type { Declaration } from '../operator/declare/declaration.ts'
import type { Key } from '../operator/plan/identity.ts'
import { WrongUseError } from './exit-status.ts'

type Kind = Declaration['kind']

/** How people write each kind. */
const spellings: Readonly<Record<Kind, readonly string[]>> = {
  Volume: ['volume', 'volumes', 'vol'],
  Snapshot: ['snapshot', 'snapshots', 'snap'],
  SnapshotSchedule: ['snapshotschedule', 'snapshotschedules', 'schedule', 'schedules'],
}

/** The word that help and messages use for each kind. */
const words = { Volume: 'volume', Snapshot: 'snapshot', SnapshotSchedule: 'schedule' } as const

/** The word by which commands call the kind of a row. */
export function kindWordOf(kind: string): string {
  return words[kind as Kind] ?? kind // Rows of files and of other kinds have no command.
}

/** The words that a shell offers for a kind. */
export const kindWords = Object.values(words)

/** What help says of a target. @param kind the one that is meant where none is given */
export function describeTarget(kind: Kind): string {
  return `[kind] name, or [kind] namespace/name; the kind is volume, snapshot or schedule (default: ${words[kind]})`
}

/** The first argument of every command that is about one declaration. Completion offers names for it. */
export class TargetArgument extends Argument {
  /** The kind that is meant where none is given. Undefined: one has to be given. */
  readonly kind: Kind | undefined

  constructor(kind: Kind, description?: string, name?: string)
  constructor(kind: undefined, description: string)
  constructor(kind: Kind | undefined, description?: string, name = '<target...>') {
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
export function parseTarget(words: readonly string[], namespace: string, kind: Kind): Key {
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
export function parseKindOrTarget(words: readonly string[], namespace: string): { kind: Kind; key?: Key } {
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

function kindOf(text: string): Kind | undefined {
  const kinds = Object.keys(spellings) as Kind[] // As the record's type says.
  return kinds.find((kind) => spellings[kind].includes(text.toLowerCase()))
}

function parseKind(text: string): Kind {
  const kind = kindOf(text)
  if (kind === undefined)
    throw new WrongUseError(`"${text}" is not a kind: write volume, snapshot or schedule`)
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

import { shellCommand } from '../shell-command.ts'

/** What the commands of an explanation name. */
export interface Names {
  /** What the reason is told of, as commands take it: `prod/data`. */
  readonly target: string
  /** `volume`, `snapshot` or `schedule`. */
  readonly kind: string
  readonly namespace: string
  /** The ID of a volume, or the name of a snapshot or a schedule. */
  readonly id: string
  readonly pluginID: string
  /** The ID of the external volume or snapshot. */
  readonly externalID: string
  /** Nomad's ID of a node. */
  readonly nodeID: string
  /** What a person confirms in the annotation mooring.dev/node-is-dead. */
  readonly nodeIsDead: string
  /** Another volume in Nomad, that is in the way. */
  readonly otherVolume: string
  /** An amount such as `5Gi`. */
  readonly size: string
  /** A source, as --source takes it. */
  readonly source: string
  /** A NomadCluster. */
  readonly cluster: string
  /** metadata.deletionTimestamp of an object. */
  readonly deletedAt: string
  readonly kubernetesNamespace: string
  /** `PLUGIN/ID`, as --allow-external-ids takes it. */
  readonly pattern: string
  /** The variable of the environment that a secret comes from. */
  readonly variable: string
}

/** The names that a remedy needs. */
export type Named<Name extends keyof Names> = Pick<Names, Name>

/** Stand for the names where nothing is meant in particular. */
export const placeholders: Names = {
  target: 'NAMESPACE/ID',
  kind: 'volume',
  namespace: 'NAMESPACE',
  id: 'ID',
  pluginID: 'PLUGIN',
  externalID: 'EXTERNAL_ID',
  nodeID: 'NODE_ID',
  nodeIsDead: 'NODE_ID@ALLOCATION_IDS',
  otherVolume: 'OTHER_ID',
  size: 'SIZE',
  source: 'SOURCE',
  cluster: 'CLUSTER',
  deletedAt: 'DELETION_TIMESTAMP',
  kubernetesNamespace: 'KUBERNETES_NAMESPACE',
  pattern: 'PLUGIN/ID',
  variable: 'VARIABLE',
}

/** What a person can do, in one or more sentences. Commands stand between backticks, each at the end of a sentence. */
export type Remedy = (names: Names) => string

/** What there is to know of one reason of a condition. */
export interface Explanation {
  readonly happened: string
  /** What it means for the data. */
  readonly data: string
  /** What Mooring does by itself. */
  readonly mooring: string
  /** What a person can do; empty if nothing needs to be done. */
  readonly person: Readonly<Record<string, Remedy>>
}

export type Explanations = Readonly<Record<string, Explanation>>

/** A command line within a remedy. */
export function run(...words: readonly string[]): string {
  return `\`${shellCommand(...words)}\``
}

/** Remedies as the end of a message, which has no marks around its commands. */
export function advise(...remedies: readonly string[]): string {
  return remedies
    .map((remedy, index) => {
      const text = remedy.replaceAll('`', '')
      return index < remedies.length - 1 && !text.endsWith('.') ? `${text}.` : text
    })
    .join(' ')
}

/** The commands within a remedy, in order. */
export function commandsOf(remedy: string): string[] {
  return [...remedy.matchAll(/`([^`]+)`/g)].map(([, command = '']) => command)
}

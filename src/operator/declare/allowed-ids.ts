import { advise } from '../../lib/reasons/explanation.ts'
import { reasons } from '../../lib/reasons/reasons.ts'
import type { Place } from './declaration.ts'

/**
 * The external volumes, snapshots and names of plugins that an administrator lets declarations name. Each pattern is
 * `<plugin>/<ID>`, where `*` as the plugin stands for any and a `*` at the end of the ID for any rest.
 */
export interface AllowedIDs {
  /** By Kubernetes namespace. Objects of a namespace that is not here may name none. */
  readonly objects: ReadonlyMap<string, readonly string[]>
  /** The NomadCluster whose object says this; undefined: flags of the operator do. */
  readonly cluster?: string
}

/** An ID of a plugin. */
export interface PluginID {
  readonly pluginID: string
  readonly id: string
}

export const noneAllowed: AllowedIDs = { objects: new Map() }

/** For schemas; the plugin's part is as in a Volume's pluginID. */
export const idPattern = String.raw`^[^/\s,]+/[^,\x00-\x1f\x7f]+$`

/** Whether a text is a pattern of IDs. `*` alone stands for all of every plugin. */
export function isAllowedID(text: string): boolean {
  return text === '*' || new RegExp(idPattern).test(text)
}

export function isKubernetesNamespace(text: string): boolean {
  return /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/.test(text)
}

/** Whether a declaration at the place may name the ID. Files may name every ID. */
export function mayName(allowed: AllowedIDs, { object }: Place, named: PluginID): boolean {
  if (object === undefined) return true
  return (allowed.objects.get(object.namespace) ?? []).some((pattern) => matchesID(pattern, named))
}

/** Whether a pattern `<plugin>/<ID>`, or `*`, stands for the ID. */
export function matchesID(pattern: string, { pluginID, id }: PluginID): boolean {
  if (pattern === '*') return true
  const slash = pattern.indexOf('/')
  const plugin = pattern.slice(0, slash)
  const rest = pattern.slice(slash + 1)
  if (plugin !== '*' && plugin !== pluginID) return false
  if (!rest.endsWith('*')) return rest === id
  // Where IDs are paths, "own/../other" is not beneath "own/".
  const climbs = id.split(/[/\\]/).some((part) => part === '..')
  return id.startsWith(rest.slice(0, -1)) && !(climbs && rest !== '*')
}

/** The rule that allows exactly this ID, as `SUBJECT=PLUGIN/ID`. A comma would separate two patterns. */
function patternFor({ pluginID, id }: PluginID): string {
  const comma = id.indexOf(',')
  return `${pluginID}/${comma < 0 ? id : `${id.slice(0, comma)}*`}`
}

/** What an administrator does so that the declaration may name the ID. */
export function howToAllow({ cluster }: AllowedIDs, { object }: Place, named: PluginID): string {
  const { namespace = '' } = object ?? {}
  const pattern = patternFor(named)
  const { allow, allowInCluster } = reasons.ExternalIDNotAllowed.person
  const names = { kubernetesNamespace: namespace, pattern }
  return advise(cluster === undefined ? allow(names) : allowInCluster({ ...names, cluster }))
}

import { type AllowedIDs, isAllowedID, isKubernetesNamespace } from '../operator/declare/allowed-ids.ts'
import { limitOptions, type SourceLimits } from '../operator/declare/source-limits.ts'
import { sourceName } from '../operator/sources/open-sources.ts'
import { WrongUseError } from './exit-status.ts'

/** Lines as `<who>=<item>,<item>`. */
export interface LimitFlags {
  readonly allowNamespaces?: readonly string[]
  readonly allowPlugins?: readonly string[]
  readonly allowExternalIds?: readonly string[]
  readonly allowSecrets?: readonly string[]
}

export interface ReadLimits {
  /** By the places of the sources; one that is not here may use everything. */
  readonly limits: ReadonlyMap<string, SourceLimits>
  readonly allowedIDs: AllowedIDs
}

/**
 * Reads what each source, and the objects of each Kubernetes namespace, may use.
 * @throws WrongUseError where an item has another form, or nothing says what a limited source may use of a sort
 */
export function readLimits(
  flags: LimitFlags & { readonly source: readonly string[]; readonly kubernetes?: boolean },
): ReadLimits {
  const { source: places, kubernetes = false } = flags
  const found = new Map<string, Partial<Record<keyof SourceLimits, readonly string[]>>>()
  const objects = new Map<string, readonly string[]>()
  const given = {
    namespaces: flags.allowNamespaces,
    plugins: flags.allowPlugins,
    externalIDs: flags.allowExternalIds,
    secrets: flags.allowSecrets,
  }
  for (const limit of Object.keys(limitOptions) as (keyof SourceLimits)[]) {
    for (const line of given[limit] ?? []) {
      const place = placeOf(line, places)
      const who = place?.shown ?? line.slice(0, Math.max(0, line.indexOf('=')))
      const items = line
        .slice(who.length + 1)
        .split(',')
        .filter((item) => item !== '')
      assertItems(limit, items)
      if (place !== undefined) {
        const before = found.get(place.place) ?? {}
        found.set(place.place, { ...before, [limit]: [...(before[limit] ?? []), ...items] })
      } else if (limit === 'externalIDs' && kubernetes && isKubernetesNamespace(who)) {
        objects.set(who, [...(objects.get(who) ?? []), ...items])
      } else throw new WrongUseError(explainWho(limit, who, places, kubernetes))
    }
  }
  const limits = new Map([...found].map(([place, some]) => [place, assertWhole(place, some)]))
  return { limits, allowedIDs: { objects } }
}

/** The source that the line begins with. A place may hold "=" itself, so the longest counts. */
function placeOf(line: string, places: readonly string[]) {
  return places
    .flatMap((place) => [place, sourceName(place)].map((shown) => ({ place, shown })))
    .filter(({ shown }) => line.startsWith(`${shown}=`))
    .sort((one, other) => other.shown.length - one.shown.length)[0]
}

const forms: Readonly<
  Record<keyof SourceLimits, { readonly isRight: (item: string) => boolean; readonly as: string }>
> = {
  namespaces: { isRight: (item) => /^(?:[A-Za-z0-9-]{1,128}\*?|\*)$/.test(item), as: 'apps, apps-* or *' },
  plugins: { isRight: (item) => /^[^/\s]+$/.test(item), as: 'ebs0, ebs* or *' },
  externalIDs: { isRight: isAllowedID, as: 'ebs0/vol-b-*, ebs0/* or */*' },
  secrets: {
    isRight: (item) => item === '*' || /^(?:env:MOORING_SECRET_[A-Za-z0-9_]*\*?|file:.+)$/.test(item),
    as: 'env:MOORING_SECRET_B_*, file:b/* or *',
  },
}

function assertItems(limit: keyof SourceLimits, items: readonly string[]): void {
  const { isRight, as } = forms[limit]
  const wrong = items.find((item) => !isRight(item))
  if (wrong !== undefined)
    throw new WrongUseError(`${limitOptions[limit]}: "${wrong}" cannot be used: write ${as}`)
}

function explainWho(
  limit: keyof SourceLimits,
  who: string,
  places: readonly string[],
  kubernetes: boolean,
): string {
  const option = limitOptions[limit]
  const sources = places.map(sourceName).join(', ')
  if (!kubernetes)
    return `${option}: "${who}" is no source here: write one of ${sources}, then "=" and the items`
  return limit === 'externalIDs'
    ? `${option}: "${who}" is neither a source nor a Kubernetes namespace: write one of them, then "=" and the items`
    : `${option}: "${who}" is no source here, and this option is for sources${limit === 'namespaces' ? ' (for Kubernetes namespaces there is --namespace-mapping)' : ''}: leave it out, or write a source`
}

function assertWhole(place: string, some: Partial<SourceLimits>): SourceLimits {
  const { namespaces, plugins, externalIDs, secrets } = some
  const whole = { namespaces, plugins, externalIDs, secrets }
  for (const limit of Object.keys(limitOptions) as (keyof SourceLimits)[]) {
    if (whole[limit] !== undefined) continue
    const option = limitOptions[limit]
    throw new WrongUseError(
      `source ${sourceName(place)} is limited by another --allow-… option, and nothing says which ${nouns[limit]} it may use: give ${option} with its items, with "*" for all, or with nothing after "=" for none`,
    )
  }
  return whole as SourceLimits // Each of them was looked at.
}

const nouns: Readonly<Record<keyof SourceLimits, string>> = {
  namespaces: 'Nomad namespaces',
  plugins: 'plugins',
  externalIDs: 'external IDs',
  secrets: 'secrets',
}

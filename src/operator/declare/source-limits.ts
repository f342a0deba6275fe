import { matchesID } from './allowed-ids.ts'
import type { Declaration, Problem } from './declaration.ts'
import type { WithSecrets } from './fields.ts'
import type { ParsedDeclarations } from './parse-declarations.ts'
import type { SecretReference } from './secret-reference.ts'

/** What the declarations of one source may use. A `*` at the end of an item stands for any rest. */
export interface SourceLimits {
  /** Nomad namespaces. */
  readonly namespaces: readonly string[]
  readonly plugins: readonly string[]
  /** IDs and names of plugins, as `<plugin>/<ID>`. */
  readonly externalIDs: readonly string[]
  /** `env:MOORING_SECRET_…` and `file:<path beneath --secrets-dir>`. */
  readonly secrets: readonly string[]
}

/** The option of each limit. */
export const limitOptions = {
  namespaces: '--allow-namespaces',
  plugins: '--allow-plugins',
  externalIDs: '--allow-external-ids',
  secrets: '--allow-secrets',
} as const satisfies Record<keyof SourceLimits, string>

/** Moves the declarations that leave the limits to the problems, so that nothing is done for them. */
export function limitDeclarations(parsed: ParsedDeclarations, limits: SourceLimits): ParsedDeclarations {
  const judged = parsed.declarations.map((declaration) => ({
    declaration,
    problems: findBeyond(declaration, limits),
  }))
  return {
    ...parsed,
    declarations: judged.flatMap(({ declaration, problems }) => (problems.length === 0 ? [declaration] : [])),
    problems: [...parsed.problems, ...judged.flatMap(({ problems }) => problems)],
  }
}

function findBeyond(declaration: Declaration, limits: SourceLimits): Problem[] {
  const { place, spec } = declaration
  const problems: Problem[] = []
  const judge = (limit: keyof SourceLimits, field: string, value: string, isAllowed: boolean) => {
    if (isAllowed) return
    const may = limits[limit].length === 0 ? 'none' : limits[limit].join(', ')
    const message = `is "${value}", which this source may not use (${limitOptions[limit]}: ${may}): change it, or ask whoever runs the operator to allow it`
    problems.push({ place, field, message })
  }
  judge('namespaces', 'spec.namespace', spec.namespace, matchesAny(limits.namespaces, spec.namespace))
  if ('pluginID' in spec)
    judge('plugins', 'spec.pluginID', spec.pluginID, matchesAny(limits.plugins, spec.pluginID))
  if (declaration.kind === 'Volume') {
    const { pluginID, externalID, name, source } = declaration.spec
    const named = {
      'spec.externalID': externalID,
      'spec.name': name,
      'spec.source.snapshotID': source?.snapshotID,
      'spec.source.cloneID': source?.cloneID,
    }
    for (const [field, id] of Object.entries(named)) {
      if (id === undefined) continue
      const isAllowed = limits.externalIDs.some((pattern) => matchesID(pattern, { pluginID, id }))
      judge('externalIDs', field, id, isAllowed)
    }
  }
  const [field, secrets = {}] = secretsOf(declaration)
  for (const [key, reference] of Object.entries(secrets)) {
    const shown = showReference(reference)
    if (shown !== undefined) judge('secrets', `${field}.${key}`, shown, matchesAny(limits.secrets, shown))
  }
  return problems
}

/** The secrets of a declaration, and the field that has them. */
function secretsOf({ kind, spec }: Declaration): [field: string, WithSecrets['secrets']] {
  switch (kind) {
    case 'SnapshotSchedule':
      return ['spec.template.secrets', spec.template?.secrets]
    case 'HostVolume':
      return ['', undefined] // Host volumes have none.
    default:
      return ['spec.secrets', spec.secrets]
  }
}

/** undefined: it reaches no secret of the operator, or only those of its Nomad namespace. */
function showReference(reference: SecretReference): string | undefined {
  if ('fromEnv' in reference) return `env:${reference.fromEnv}`
  if ('fromFile' in reference) return `file:${reference.fromFile}`
  return undefined
}

function matchesAny(patterns: readonly string[], value: string): boolean {
  return patterns.some((pattern) =>
    pattern.endsWith('*') ? value.startsWith(pattern.slice(0, -1)) : value === pattern,
  )
}

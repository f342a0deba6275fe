import type { SteadyClock } from '../../lib/clock.ts'
import type { Variable, VariablesApi } from '../../nomad/variables.ts'

/** A change of a Variable is noticed at the first look after this time. */
const listAgainAfterMs = 10_000

/**
 * Reads the Variables beneath a prefix: one list for all of them, and each one again only when the list shows a new
 * version. A Variable that the list no longer shows is forgotten.
 * @param options.prefix ends in a slash
 * @returns the items of the Variable at a path beneath the prefix; undefined: there is none
 */
export function createVariableSecrets(
  api: Pick<VariablesApi, 'listVariables' | 'readVariable'>,
  options: {
    readonly namespace: string
    readonly prefix: string
    readonly clock: Pick<SteadyClock, 'monotonicMs'>
  },
): (path: string) => Promise<Variable['Items'] | undefined> {
  const { namespace, prefix, clock } = options
  const known = new Map<string, Variable>()
  let listedAtMs = Number.NEGATIVE_INFINITY
  let listing: Promise<ReadonlyMap<string, string>> = Promise.resolve(new Map())

  /** Versions by path. Everybody who asks within a while gets the same list, or the same failure. */
  function list(): Promise<ReadonlyMap<string, string>> {
    const nowMs = clock.monotonicMs()
    if (nowMs - listedAtMs < listAgainAfterMs) return listing
    listedAtMs = nowMs
    listing = api.listVariables(namespace, prefix).then((stubs) => {
      const versions = new Map(stubs.map(({ Path, ModifyIndex }) => [Path, String(ModifyIndex)]))
      for (const path of known.keys()) if (!versions.has(path)) known.delete(path)
      return versions
    })
    listing.catch(() => {
      listedAtMs = clock.monotonicMs()
    })
    return listing
  }

  return async (path) => {
    const version = (await list()).get(path)
    if (version === undefined) return undefined
    const before = known.get(path)
    if (before !== undefined && String(before.ModifyIndex) === version) return before.Items
    const variable = await api.readVariable({ namespace, path })
    if (variable === undefined) known.delete(path)
    else known.set(path, variable)
    return variable?.Items
  }
}

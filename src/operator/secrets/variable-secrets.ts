import type { Clock } from '../../lib/clock.ts'
import type { Variable, VariablesApi } from '../../nomad/variables.ts'

/** A changed variable is noticed within this, at the next look. */
const listAgainAfterMs = 10_000

/**
 * Reads variables beneath a prefix by one list for all of them, and each again only when the list shows
 * another version.
 * @param options.prefix ends in a slash
 * @returns the items of the variable at a path beneath the prefix; undefined: there is none
 */
export function createVariableSecrets(
  api: Pick<VariablesApi, 'listVariables' | 'readVariable'>,
  options: { readonly namespace: string; readonly prefix: string; readonly clock: Pick<Clock, 'now'> },
): (path: string) => Promise<Variable['Items'] | undefined> {
  const { namespace, prefix, clock } = options
  const known = new Map<string, Variable>()
  let listedAtMs = Number.NEGATIVE_INFINITY
  let listing: Promise<ReadonlyMap<string, string>> = Promise.resolve(new Map())

  /** Versions by path. One list serves all that ask for a while, and so does the failure of one. */
  function list(): Promise<ReadonlyMap<string, string>> {
    const nowMs = clock.now()
    if (nowMs - listedAtMs < listAgainAfterMs) return listing
    listedAtMs = nowMs
    listing = api
      .listVariables(namespace, prefix)
      .then((stubs) => new Map(stubs.map(({ Path, ModifyIndex }) => [Path, String(ModifyIndex)])))
    listing.catch(() => {
      listedAtMs = clock.now()
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

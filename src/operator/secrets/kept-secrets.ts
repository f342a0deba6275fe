import type { KeptSecretReference, SecretKeeper } from '../declare/secret-reference.ts'

export interface KeptSecrets {
  readonly keep: SecretKeeper
  /** undefined: no file gave it in this process's life, or nothing names it any more. */
  get(reference: KeptSecretReference): string | undefined
  /** How many values it holds. */
  size(): number
}

/**
 * Holds the secrets that stand in Nomad's own specification files, in memory and nowhere else. A declaration has a
 * keyed hash in their place, so that a changed secret is a changed declaration. A value stays as long as anybody holds
 * a reference to it that `keep` gave: a source its declaration, the inventory its record.
 */
export function createKeptSecrets(keyedHash: (text: string) => string): KeptSecrets {
  const values = new Map<string, { readonly value: string; holders: number }>()
  const holders = new FinalizationRegistry<string>((hash) => {
    const kept = values.get(hash)
    if (kept === undefined) return
    kept.holders -= 1
    if (kept.holders === 0) values.delete(hash)
  })
  return {
    keep(value) {
      const hash = keyedHash(JSON.stringify(['secret', value]))
      const kept = values.get(hash) ?? { value, holders: 0 }
      kept.holders += 1
      values.set(hash, kept)
      const reference = { fromSpecification: hash }
      holders.register(reference, hash)
      return reference
    },
    get: ({ fromSpecification }) => values.get(fromSpecification)?.value,
    size: () => values.size,
  }
}

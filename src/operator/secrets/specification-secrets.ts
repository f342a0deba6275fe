import type { SpecificationSecretReference, StoreSecret } from '../declare/secret-reference.ts'

export interface SpecificationSecrets {
  readonly store: StoreSecret
  /** undefined: this process has not read it, or nothing refers to it any more. */
  get(reference: SpecificationSecretReference): string | undefined
  /** The number of values. */
  size(): number
}

/**
 * Stores the secrets that are written in Nomad's own specification files, in memory only. The declaration has a keyed hash
 * in place of each, so a changed secret is a changed declaration. A value stays as long as anybody holds a reference to
 * it: a source in its declaration, the inventory in its record.
 */
export function createSpecificationSecrets(keyedHash: (text: string) => string): SpecificationSecrets {
  const values = new Map<string, { readonly value: string; holders: number }>()
  const holders = new FinalizationRegistry<string>((hash) => {
    const stored = values.get(hash)
    if (stored === undefined) return
    stored.holders -= 1
    if (stored.holders === 0) values.delete(hash)
  })
  return {
    store(value) {
      const hash = keyedHash(JSON.stringify(['secret', value]))
      const stored = values.get(hash) ?? { value, holders: 0 }
      stored.holders += 1
      values.set(hash, stored)
      const reference = { fromSpecification: hash }
      holders.register(reference, hash)
      return reference
    },
    get: ({ fromSpecification }) => values.get(fromSpecification)?.value,
    size: () => values.size,
  }
}

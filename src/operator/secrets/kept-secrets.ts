import type { KeptSecretReference, SecretKeeper } from '../declare/secret-reference.ts'

export interface KeptSecrets {
  readonly keep: SecretKeeper
  /** undefined: not given in this process's life. */
  get(reference: KeptSecretReference): string | undefined
}

/**
 * Holds the secrets that stand in Nomad's own specification files, in memory and nowhere else. A
 * declaration has a keyed hash in their place, so that a changed secret is a changed declaration.
 */
export function createKeptSecrets(keyedHash: (text: string) => string): KeptSecrets {
  const values = new Map<string, string>()
  return {
    keep(value) {
      const fromSpecification = keyedHash(JSON.stringify(['secret', value]))
      values.set(fromSpecification, value)
      return { fromSpecification }
    },
    get: ({ fromSpecification }) => values.get(fromSpecification),
  }
}

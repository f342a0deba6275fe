import type { Declaration } from '../declare/declaration.ts'
import type { SecretReference } from '../declare/secret-reference.ts'
import type { Key } from '../plan/identity.ts'
import type { Inventory, SecretResolver } from '../plan/ports.ts'

/**
 * Detects changed values of secrets, by their keyed hashes.
 * @returns checks all declared secrets once; a call during a check does nothing. An unreadable secret is not a change:
 *   its pass reports the error.
 */
export function createSecretWatch(options: {
  readonly secrets: SecretResolver
  readonly inventory: Pick<Inventory, 'keyedHash'>
  /** Called if the secrets of the identity have changed since the last check. */
  readonly onChange: (key: Key) => void
}): (declarations: ReadonlyMap<Key, Declaration>) => Promise<void> {
  const { secrets, inventory, onChange } = options
  let before: ReadonlyMap<Key, string> = new Map()
  let isLooking = false

  async function hashOf(
    key: Key,
    declared: Readonly<Record<string, SecretReference>>,
    namespace: string,
  ): Promise<string | undefined> {
    try {
      return inventory.keyedHash(JSON.stringify(await secrets.resolve(declared, namespace)))
    } catch {
      return before.get(key)
    }
  }

  return async (declarations) => {
    if (isLooking) return
    isLooking = true
    const after = new Map<Key, string>()
    // One after the other, so that it does not open thousands of files at once.
    for (const [key, declaration] of declarations) {
      const declared = secretsOf(declaration)
      if (declared === undefined) continue
      const hash = await hashOf(key, declared, declaration.spec.namespace)
      if (hash === undefined) continue
      after.set(key, hash)
      const known = before.get(key)
      if (known !== undefined && known !== hash) onChange(key)
    }
    before = after
    isLooking = false
  }
}

/** The secrets to look at; undefined if there are none. */
function secretsOf({ spec, place }: Declaration): Readonly<Record<string, SecretReference>> | undefined {
  // Secrets that Kubernetes objects use are watched in Kubernetes.
  if (place.object !== undefined || !('secrets' in spec) || spec.secrets === undefined) return undefined
  return Object.keys(spec.secrets).length === 0 ? undefined : spec.secrets
}

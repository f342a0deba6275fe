import type { Declaration } from '../declare/declaration.ts'
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

  async function hashOf(key: Key, { spec, place }: Declaration): Promise<string | undefined> {
    // Secrets that Kubernetes objects use are watched in Kubernetes.
    if (place.object !== undefined) return undefined
    if (!('secrets' in spec) || spec.secrets === undefined) return undefined
    if (Object.keys(spec.secrets).length === 0) return undefined
    try {
      return inventory.keyedHash(JSON.stringify(await secrets.resolve(spec.secrets, spec.namespace)))
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
      const hash = await hashOf(key, declaration)
      if (hash === undefined) continue
      after.set(key, hash)
      const known = before.get(key)
      if (known !== undefined && known !== hash) onChange(key)
    }
    before = after
    isLooking = false
  }
}

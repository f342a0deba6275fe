import type { Declaration } from '../declare/declaration.ts'
import type { Key } from '../plan/identity.ts'
import type { Inventory, SecretResolver } from '../plan/ports.ts'

/**
 * Notices secrets whose values have changed where they are kept, by their keyed hashes.
 * @returns looks once at what is declared; asked for while it looks, it does nothing. Secrets that cannot be
 *   read are no change: the passes say what is wrong with them.
 */
export function createSecretWatch(options: {
  readonly secrets: SecretResolver
  readonly inventory: Pick<Inventory, 'keyedHash'>
  /** The secrets of this identity differ from those at the look before. */
  readonly onChange: (key: Key) => void
}): (declarations: ReadonlyMap<Key, Declaration>) => Promise<void> {
  const { secrets, inventory, onChange } = options
  let before: ReadonlyMap<Key, string> = new Map()
  let isLooking = false

  async function hashOf(key: Key, { spec, place }: Declaration): Promise<string | undefined> {
    // The Secrets of objects are watched where they are.
    if (place.object !== undefined) return undefined
    if (!('secrets' in spec) || spec.secrets === undefined) return undefined
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
    // One after the other: thousands of files are not opened at once, and variables share one list.
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

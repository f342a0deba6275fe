import type { Declaration } from '../declare/declaration.ts'
import type { Key } from '../plan/identity.ts'
import type { RecordReads } from '../plan/ports.ts'
import type { InventoryRecord } from '../plan/record.ts'

/** Finds the identities whose objects name a Secret, without reading all others. */
export interface SecretUsers {
  of(namespace: string, name: string): readonly Key[]
  close(): void
}

export function createSecretUsers(inventory: Pick<RecordReads, 'list' | 'onChange'>): SecretUsers {
  const users = new Map<string, Set<Key>>()
  const named = new Map<Key, readonly string[]>()

  function note(key: Key, record: InventoryRecord | undefined): void {
    for (const secret of named.get(key) ?? []) {
      const keys = users.get(secret)
      keys?.delete(key)
      if (keys?.size === 0) users.delete(secret)
    }
    named.delete(key)
    const secrets = record === undefined ? [] : secretsOf(record.declaration)
    if (secrets.length > 0) named.set(key, secrets)
    for (const secret of secrets) users.set(secret, (users.get(secret) ?? new Set()).add(key))
  }

  for (const record of inventory.list()) note(record.key, record)
  return {
    of: (namespace, name) => [...(users.get(tokenOf(namespace, name)) ?? [])],
    close: inventory.onChange(note),
  }
}

/** The Secrets that an object names. They are in its own namespace. */
function secretsOf({ place, spec }: Declaration): string[] {
  const { namespace } = place.object ?? {}
  if (namespace === undefined) return []
  const references =
    'template' in spec ? spec.template?.secrets : 'secrets' in spec ? spec.secrets : undefined
  return Object.values(references ?? {}).flatMap((reference) =>
    'fromSecret' in reference ? [tokenOf(namespace, reference.fromSecret.name)] : [],
  )
}

function tokenOf(namespace: string, name: string): string {
  return `${namespace}/${name}`
}

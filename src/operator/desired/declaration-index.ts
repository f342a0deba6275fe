import type { Declaration } from '../declare/declaration.ts'
import { type Key, keyOf } from '../plan/identity.ts'

/** The fields by which declarations are found, each with the Nomad namespace before it: `namespace/name`. */
export interface DeclarationIndexes {
  /** metadata.name of a Volume. */
  readonly volumeName: string
  /** The volume of a Snapshot. */
  readonly snapshotOf: string
  /** The volume that a Volume is cloned from. */
  readonly cloneOf: string
  /** The declared snapshot that a Volume is made from. */
  readonly madeFrom: string
}

export interface DeclarationIndex {
  /** Puts one in the place of the other. */
  replace(before: Declaration | undefined, after: Declaration | undefined): void
  /** The keys of the declarations with this value, in no order. */
  find(index: keyof DeclarationIndexes, value: string): readonly Key[]
}

export function createDeclarationIndex(): DeclarationIndex {
  // Most values have one key. A set for each of them would weigh more than the key.
  const keys = new Map<string, Key | Set<Key>>()
  return {
    replace(before, after) {
      if (before !== undefined) {
        for (const token of tokensOf(before)) {
          const found = keys.get(token)
          if (found instanceof Set) found.delete(keyOf(before))
          if (found === keyOf(before) || (found instanceof Set && found.size === 0)) keys.delete(token)
        }
      }
      if (after === undefined) return
      for (const token of tokensOf(after)) {
        const found = keys.get(token)
        if (found instanceof Set) found.add(keyOf(after))
        else if (found === undefined) keys.set(token, keyOf(after))
        else keys.set(token, new Set([found, keyOf(after)]))
      }
    },
    find(index, value) {
      const found = keys.get(tokenOf(index, value)) ?? []
      return typeof found === 'string' ? [found] : [...found]
    },
  }
}

function tokensOf({ kind, name, spec }: Declaration): string[] {
  const token = (index: keyof DeclarationIndexes, of: string) => tokenOf(index, `${spec.namespace}/${of}`)
  switch (kind) {
    case 'Volume': {
      const { volume, snapshot } = spec.source ?? {}
      return [
        token('volumeName', name),
        ...(volume === undefined ? [] : [token('cloneOf', volume)]),
        ...(snapshot === undefined ? [] : [token('madeFrom', snapshot)]),
      ]
    }
    case 'Snapshot':
      return [token('snapshotOf', spec.volume)]
    case 'SnapshotSchedule':
    case 'HostVolume':
      return []
  }
}

function tokenOf(index: keyof DeclarationIndexes, value: string): string {
  return `${index} ${value}`
}

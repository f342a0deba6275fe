import type { Declaration } from '../declare/declaration.ts'
import { type Key, keyOf, snapshotKey } from '../plan/identity.ts'

/** For each identity, the declarations that refer to it. They need a pass when its status changes. */
export function planDependents(declarations: readonly Declaration[]): ReadonlyMap<Key, readonly Key[]> {
  const volumeKeys = new Map<string, Key>()
  for (const declaration of declarations) {
    if (declaration.kind !== 'Volume') continue
    volumeKeys.set(nameToken(declaration.spec.namespace, declaration.name), keyOf(declaration))
  }
  const dependents = new Map<Key, Key[]>()
  for (const declaration of declarations) {
    for (const key of referencesOf(declaration, volumeKeys)) {
      const list = dependents.get(key)
      if (list === undefined) dependents.set(key, [keyOf(declaration)])
      else list.push(keyOf(declaration))
    }
  }
  return dependents
}

function referencesOf(declaration: Declaration, volumeKeys: ReadonlyMap<string, Key>): Key[] {
  // A schedule also selects volumes by labels. Its own passes find them.
  if (declaration.kind === 'SnapshotSchedule') return []
  const { namespace } = declaration.spec
  const volumeName =
    declaration.kind === 'Snapshot' ? declaration.spec.volume : declaration.spec.source?.volume
  const snapshotName = declaration.kind === 'Volume' ? declaration.spec.source?.snapshot : undefined
  const key = volumeName === undefined ? undefined : volumeKeys.get(nameToken(namespace, volumeName))
  return [
    ...(key === undefined ? [] : [key]),
    ...(snapshotName === undefined ? [] : [snapshotKey(namespace, snapshotName)]),
  ]
}

function nameToken(namespace: string, name: string): string {
  return JSON.stringify([namespace, name])
}

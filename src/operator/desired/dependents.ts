import type { Declaration } from '../declare/declaration.ts'
import type { Key } from '../plan/identity.ts'
import type { DeclarationIndex } from './declaration-index.ts'

/**
 * The identities that refer to this one. A schedule also selects volumes by labels: its own passes find them.
 * @param declaration that of the identity, where it is declared
 */
export function findDependents(
  key: Key,
  declaration: Declaration | undefined,
  index: Pick<DeclarationIndex, 'find'>,
): readonly Key[] {
  const [kind = ''] = key.split('/', 1)
  // A volume can also be made from a snapshot that is managed and no longer declared.
  if (kind === 'Snapshot') return index.find('madeFrom', key.slice('Snapshot/'.length))
  if (declaration?.kind !== 'Volume') return []
  const name = `${declaration.spec.namespace}/${declaration.name}`
  return [...index.find('snapshotOf', name), ...index.find('cloneOf', name)]
}

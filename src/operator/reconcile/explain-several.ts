import type { Inventory } from '../plan/ports.ts'
import type { SnapshotVolume } from './snapshot-step.ts'

/** Says so where the name is of a declaration that makes several volumes. */
export function explainSeveral(
  inventory: Inventory,
  namespace: string,
  name: string,
): Extract<SnapshotVolume, { state: 'waiting' }> | undefined {
  const isMeant = inventory
    .list()
    .some(
      ({ kind, declaration }) =>
        kind === 'Volume' && declaration.instance?.name === name && declaration.spec.namespace === namespace,
    )
  return isMeant
    ? {
        state: 'waiting',
        reason: 'VolumeHasInstances',
        message: `volume "${name}" has perAlloc and is several volumes: write which one, such as ${name}[0]`,
      }
    : undefined
}

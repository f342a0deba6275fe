import type { Obstacle } from './status.ts'

/**
 * Refuses what a plugin could do to another volume than the one that is meant. Several registered volumes may have one
 * external ID and differ in their context, such as the shares of an NFS server. The calls of CSI that delete, snapshot,
 * clone, expand and unpublish carry the ID and no context. So no plugin can tell these volumes apart then.
 * @param what what is refused, as the beginning of a sentence
 * @param remedy what the person is to do
 */
export function refuseShared(
  externalID: string,
  sharers: readonly string[],
  what: string,
  remedy: string,
): Obstacle | undefined {
  if (sharers.length === 0) return undefined
  return {
    state: 'stalled',
    reason: 'SharedExternalID',
    message:
      `${what}: external ID "${externalID}" is also that of ${sharers.join(', ')}, with another context. ` +
      `The call to the plugin carries the ID alone, so it could reach the data of another volume. ${remedy}`,
  }
}

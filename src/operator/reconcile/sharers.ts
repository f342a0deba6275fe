import { contextsMayAgree } from '../../lib/contexts-may-agree.ts'
import { advise } from '../../lib/reasons/explanation.ts'
import { reasons } from '../../lib/reasons/reasons.ts'
import { displayName } from '../plan/identity.ts'
import { externalToken, knownContext, type VolumeContext, type VolumeRecord } from '../plan/record.ts'
import { refuseShared } from '../plan/shared-external.ts'
import type { Obstacle } from '../plan/status.ts'
import type { GatherContext } from './context.ts'

/** Refuses a snapshot of a volume that the plugin could mistake for another one; undefined if it may be taken. */
export async function refuseSnapshot(
  context: Pick<GatherContext, 'inventory' | 'observer'>,
  record: VolumeRecord,
): Promise<Obstacle | undefined> {
  return refuseShared(
    record.externalID ?? '',
    await sharersOf(context, record),
    `a snapshot of volume "${record.declaration.name}" is refused`,
    advise(reasons.SharedExternalID.person.backUpByJob()),
  )
}

/**
 * Other volumes that have the external ID of this one and another context, such as shares of one NFS server. A call that
 * carries only the ID could reach any of them. In other Nomad namespaces, only those count that Mooring manages or
 * released.
 */
export async function sharersOf(
  { inventory, observer }: Pick<GatherContext, 'inventory' | 'observer'>,
  record: VolumeRecord,
): Promise<readonly string[]> {
  const { spec } = record.declaration
  const externalID = record.externalID ?? spec.externalID
  const own = knownContext(record)
  // A volume without a context may be any of its external ID, so no second one is let in beside it.
  if (externalID === undefined || own === undefined) return []
  const differs = (context: VolumeContext | null | undefined) => !contextsMayAgree(own, context)
  // Whose it is, is nothing for the objects of another namespace to know.
  const isTold = (namespace: string | undefined) =>
    namespace === spec.namespace || record.declaration.place.object === undefined
  const managed = inventory
    .find('external', externalToken(spec.pluginID, externalID))
    .filter((other) => other.kind === 'Volume')
    .filter((other) => other.key !== record.key && differs(knownContext(other)))
    .map(({ declaration }) =>
      isTold(declaration.spec.namespace) ? displayName(declaration) : 'a volume of another Nomad namespace',
    )
  const released = inventory
    .findReleased('externalID', externalID)
    .filter(({ pluginID }) => pluginID === spec.pluginID)
    .filter(({ key, reason, context }) => key !== record.key && reason !== 'Deleted' && differs(context))
    .map(({ key }) => (isTold(key.split('/')[1]) ? `${key}, which was released` : 'a released volume'))
  const stubs = (await observer.findVolumeStubs(spec.namespace, 'ExternalID', externalID)).filter(
    (stub) => stub.PluginID === spec.pluginID && stub.ID !== spec.volumeID,
  )
  const volumes = await Promise.all(stubs.map(({ ID }) => observer.volume(spec.namespace, ID)))
  const registered = volumes.flatMap((volume) =>
    volume !== undefined && differs(volume.Context) ? [`volume ${spec.namespace}/${volume.ID}`] : [],
  )
  return [...new Set([...managed, ...registered, ...released])]
}

import type { ServerContext } from './context.ts'
import { handleOf, type VolumeDefinition, volumeKey } from './state/records.ts'

type Place = Pick<VolumeDefinition, 'namespace' | 'id'> &
  Partial<Pick<VolumeDefinition, 'pluginID' | 'externalID'>>

/**
 * Runs a task that has volumes to itself: their records, and their external volumes, which other records may
 * name too. Nothing else that changes one of them runs meanwhile. Not to be called from within such a task.
 * @param places an external ID counts where no record is stored yet
 */
export async function holdVolumes<Result>(
  { state, lock }: Pick<ServerContext, 'state' | 'lock'>,
  places: readonly Place[],
  task: () => Promise<Result>,
): Promise<Result> {
  const namesOf = ({ namespace, id, pluginID = '', externalID = '' }: Place) => {
    const key = volumeKey(namespace, id)
    const external = state.csi_volumes.get(key) ?? { pluginID, externalID }
    return external.externalID === '' ? [key] : [key, `external ${handleOf(external)}`]
  }
  const currentNames = () => [...new Set(places.flatMap(namesOf))]
  for (;;) {
    const names = currentNames()
    const outcome = await lock(names, async () => {
      // While this waited, a record may have come to name another external volume.
      if (!currentNames().every((name) => names.includes(name))) return undefined
      return { result: await task() }
    })
    if (outcome !== undefined) return outcome.result
  }
}

import PQueue from 'p-queue'

/**
 * Limits the calls of a plugin: one at a time for each volume (CSI 1.12, "Concurrency"), and so many at once for the
 * plugin. A call that waits for its volume takes none of the plugin's slots, so a volume that hangs does not use them up.
 */
export interface CallSlots {
  /**
   * Runs `call` when all its volumes and the plugin have a free slot.
   * @throws the reason of `signal` where that aborts before the call has begun
   */
  run<Result>(
    volumeKeys: readonly string[],
    call: () => Promise<Result>,
    signal?: AbortSignal,
  ): Promise<Result>
}

export function createCallSlots(callsAtOnce: number): CallSlots {
  const plugin = new PQueue({ concurrency: callsAtOnce })
  const volumes = new Map<string, PQueue>()
  return {
    async run(volumeKeys, call, signal) {
      const options = signal === undefined ? {} : { signal }
      let begun: ReturnType<typeof call> | undefined
      const begin = () => {
        begun = call()
        return begun
      }
      // The queue also rejects a call that has begun. Only the call itself knows how it ends.
      const orBegun = (error: unknown) => {
        if (begun === undefined) throw error
        return begun
      }
      const inTurn = ([key, ...others]: readonly string[]): ReturnType<typeof call> => {
        if (key === undefined) return plugin.add(begin, options).catch(orBegun)
        const volume = volumes.get(key) ?? new PQueue({ concurrency: 1 })
        volumes.set(key, volume)
        return volume
          .add(() => inTurn(others), options)
          .catch(orBegun)
          .finally(() => {
            if (volume.size === 0 && volume.pending === 0) volumes.delete(key)
          })
      }
      // Sorted, so that no two calls wait for each other.
      return inTurn([...new Set(volumeKeys)].sort())
    },
  }
}

/** What a call is about: its volumes, the name of a new one, or a group snapshot; empty where it is about none of these. */
export function volumeKeysOf(request: object): string[] {
  const fields = request as {
    volumeId?: string
    sourceVolumeId?: string
    sourceVolumeIds?: readonly string[]
    name?: string
    groupSnapshotId?: string
  }
  if (fields.volumeId) return [`volume ${fields.volumeId}`]
  if (fields.sourceVolumeId && fields.name) return [`volume ${fields.sourceVolumeId}`]
  if (fields.sourceVolumeIds && fields.name) return fields.sourceVolumeIds.map((id) => `volume ${id}`)
  if (fields.name) return [`name ${fields.name}`]
  if (fields.groupSnapshotId) return [`group ${fields.groupSnapshotId}`]
  return []
}

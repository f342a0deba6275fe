import PQueue from 'p-queue'

/**
 * Who may call now. CSI 1.12 ("Concurrency") wants at most one call in flight per volume; beside that a
 * plugin gets no more than so many calls at once. A call that waits for its volume holds no place of the
 * plugin's, so one volume that hangs does not use them up.
 */
export interface CallSlots {
  /**
   * Runs `call` when its turn comes at everything that it is about; rejects with the signal's reason if
   * that aborts first.
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
      // The queue gives up what has begun as well; how that ends only the call itself can say.
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
      // In one order everywhere, so that no two calls wait for each other.
      return inTurn([...new Set(volumeKeys)].sort())
    },
  }
}

/** What a call is about: the volume or volumes, the name of one to be, a group snapshot; none: nothing in particular. */
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

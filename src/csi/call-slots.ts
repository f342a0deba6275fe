import PQueue from 'p-queue'

/**
 * Who may call now. CSI 1.12 ("Concurrency") wants at most one call in flight per volume; beside that a
 * plugin gets no more than so many calls at once. A call that waits for its volume holds no place of the
 * plugin's, so one volume that hangs does not use them up.
 */
export interface CallSlots {
  /** Runs `call` when its turn comes; rejects with the signal's reason if that aborts first. */
  run<Result>(
    volumeKey: string | undefined,
    call: () => Promise<Result>,
    signal?: AbortSignal,
  ): Promise<Result>
}

export function createCallSlots(callsAtOnce: number): CallSlots {
  const plugin = new PQueue({ concurrency: callsAtOnce })
  const volumes = new Map<string, PQueue>()
  return {
    async run(volumeKey, call, signal) {
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
      const ofPlugin = () => plugin.add(begin, options)
      if (volumeKey === undefined) return ofPlugin().catch(orBegun)
      const volume = volumes.get(volumeKey) ?? new PQueue({ concurrency: 1 })
      volumes.set(volumeKey, volume)
      try {
        return await volume.add(ofPlugin, options).catch(orBegun)
      } finally {
        if (volume.size === 0 && volume.pending === 0) volumes.delete(volumeKey)
      }
    },
  }
}

/** What a call is about: the volume, the name of one to be, or a snapshot; undefined: nothing in particular. */
export function volumeKeyOf(request: object): string | undefined {
  const fields = request as { volumeId?: string; sourceVolumeId?: string; name?: string; snapshotId?: string }
  if (fields.volumeId) return `volume ${fields.volumeId}`
  if (fields.sourceVolumeId && fields.name) return `volume ${fields.sourceVolumeId}`
  if (fields.name) return `name ${fields.name}`
  return undefined
}

import { ApiError } from '../errors.ts'

/** Syncs writes to the disk without holding up the event loop. One sync covers all writes that came before it. */
export interface GroupSync {
  /** To be called before each write. @throws ApiError once the disk has failed: nothing can be kept any more */
  noteWrite(): void
  /** Resolves when all writes until now are on the disk. undefined: they are already. */
  settled(): Promise<void> | undefined
  /** As `settled`, but once the disk failed it rejects for ever: memory may hold what a restart does not find. */
  durable(): Promise<void> | undefined
}

/** @param sync brings every write before it to the disk */
export function createGroupSync(sync: () => Promise<void>): GroupSync {
  let written = 0
  let synced = 0
  let running: Promise<void> | undefined
  let failure: ApiError | undefined

  async function step() {
    const covered = written
    try {
      await sync()
      synced = covered
    } catch (cause) {
      // A second sync that succeeds proves nothing: the kernel may have dropped what the first could not write.
      failure = new ApiError(
        500,
        'the disk did not take the write, and the server takes no writes until it is restarted: restart it, then read whether this one was done',
        { cause },
      )
      // Reads go on from memory.
      synced = Number.POSITIVE_INFINITY
      throw failure
    } finally {
      running = undefined
    }
  }

  async function untilSynced(wanted: number) {
    while (synced < wanted) {
      running ??= step()
      await running
    }
  }

  const settled = () => (synced >= written ? undefined : untilSynced(written))

  return {
    noteWrite() {
      if (failure !== undefined) throw failure
      written++
    },
    settled,
    durable: () => (failure === undefined ? settled() : Promise.reject(failure)),
  }
}

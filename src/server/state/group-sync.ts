import { ApiError } from '../errors.ts'

/**
 * Brings what was written to the disk, away from the event loop: however many write while one sync is under way, the next
 * one serves them all.
 */
export interface GroupSync {
  /** Something was written that no sync covers yet. @throws ApiError where the disk once failed: nothing can be kept any more */
  noteWrite(): void
  /** Resolves when everything that was written until now is on the disk; undefined: it is there already. */
  settled(): Promise<void> | undefined
}

/** @param sync brings everything that was written before it began to the disk */
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
        'the disk did not take what was written: whether it was done shows after a restart of the server, which takes no writes until then',
        { cause },
      )
      // Reads go on with what memory has.
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

  return {
    noteWrite() {
      if (failure !== undefined) throw failure
      written++
    },
    settled: () => (synced >= written ? undefined : untilSynced(written)),
  }
}

import { lstatSync } from 'node:fs'
import { errorMessage } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { isNoRoom } from './driver-error.ts'
import { removeFile } from './durable-files.ts'
import type { FileOperations } from './file-operations.ts'

/** Room for the records of a few hundred calls. */
const ballastBytes = 256 * 1024

/**
 * A file that takes a little room, so that there is some when the file system is full: to record what gives
 * room back needs room itself.
 */
export interface Ballast {
  /**
   * Does the work. Where there is no room for it, gives up what else takes room (`shrink`), then the ballast too,
   * and does the work once more after each.
   */
  withRoom<Result>(work: () => Promise<Result>, shrink?: () => void): Promise<Result>
  isThere(): boolean
  /** Takes the room again, where there is some. */
  restore(): Promise<void>
}

export function createBallast(path: string, files: FileOperations, log: Log): Ballast {
  // A crash may have left it without its bytes, which are what it is for.
  const isThere = () => (lstatSync(path, { throwIfNoEntry: false })?.size ?? 0) >= ballastBytes
  return {
    async withRoom(work, shrink) {
      const shrinkNow = async () => shrink?.()
      const giveUp = async () => {
        if (isThere()) log.warn({ path }, 'the file system is full: the room that was kept for that is used')
        await removeFile(files, path)
        // At once, as what is to shrink may need some room for that itself.
        shrink?.()
      }
      let failed: unknown
      for (const makeRoom of [undefined, shrinkNow, giveUp]) {
        try {
          await makeRoom?.()
          return await work()
        } catch (error) {
          if (!isNoRoom(error)) throw error
          failed = error
        }
      }
      throw failed
    },
    isThere,
    async restore() {
      if (isThere()) return
      await removeFile(files, path)
      // Not a hole: it has to take the room.
      await files.createFile(path, '.'.repeat(ballastBytes)).catch(async (error: unknown) => {
        log.warn({ path, error: errorMessage(error) }, 'no room can be kept for a full file system')
        await removeFile(files, path)
      })
    },
  }
}

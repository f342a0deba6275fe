import type { FileOperations } from '../../src/driver/file-operations.ts'
import { ToolError } from '../../src/driver/run-tool.ts'
import type { Disturbance } from './history.ts'

const texts = { ENOSPC: 'No space left on device', EIO: 'Input/output error' } as const

/** How long a tool that is to be left half done gets before its driver dies. */
const halfOfToolMs = 3

/** File operations that fail, or end the process, where a disturbance says so; the count begins at `arm`. */
export interface DisturbedFiles {
  readonly files: FileOperations
  arm(disturbance: Pick<Disturbance, 'kill' | 'failures'>): void
}

/** `onFailure` hears of each operation that was made to fail, `die` does not return. */
export function disturbFiles(
  real: FileOperations,
  { onFailure, die }: { onFailure: (operation: number) => void; die: () => void },
): DisturbedFiles {
  let disturbance: Pick<Disturbance, 'kill' | 'failures'> = { kill: undefined, failures: [] }
  let operations = 0

  /** What is to happen at the operation that begins now. */
  const next = () => {
    operations++
    const { kill, failures } = disturbance
    const isLast = kill !== undefined && 'operation' in kill && kill.operation === operations
    const failure = failures.find(
      ({ operation, count }) => operations >= operation && operations < operation + count,
    )
    if (failure !== undefined) onFailure(operations)
    return { death: isLast ? kill.when : undefined, code: failure?.code }
  }
  const systemError = (code: keyof typeof texts) =>
    Object.assign(new Error(`${code}: ${texts[code]}`), { code })

  /** Runs one operation; `half` does what it leaves where it breaks off in the middle. */
  const disturb = async <Result>(
    whole: () => Promise<Result>,
    half: () => Promise<unknown> = async () => undefined,
    errorOf: (code: keyof typeof texts) => Error = systemError,
  ): Promise<Result> => {
    const { death, code } = next()
    if (death === 'before') die()
    if (death === 'half') {
      await half()
      die()
    }
    if (code !== undefined) {
      if (death === undefined) await half()
      throw errorOf(code)
    }
    const result = await whole()
    if (death === 'after') die()
    return result
  }

  const files: FileOperations = {
    mkdir: (...args) => disturb(() => real.mkdir(...args)),
    createFile: (path, content) =>
      disturb(
        () => real.createFile(path, content),
        () => real.createFile(path, content.slice(0, content.length / 2)),
      ),
    truncate: (...args) => disturb(() => real.truncate(...args)),
    rename: (...args) => disturb(() => real.rename(...args)),
    unlink: (...args) => disturb(() => real.unlink(...args)),
    rmdir: (...args) => disturb(() => real.rmdir(...args)),
    symlink: (...args) => disturb(() => real.symlink(...args)),
    chmod: (...args) => disturb(() => real.chmod(...args)),
    sync: (...args) => disturb(() => real.sync(...args)),
    run: (tool, args, signal) =>
      disturb(
        () => real.run(tool, args, signal),
        // The tool goes on when its driver is gone, as tools do.
        () =>
          Promise.race([
            real.run(tool, args, signal).catch(() => undefined),
            new Promise((resolve) => setTimeout(resolve, halfOfToolMs)),
          ]),
        (code) => new ToolError(`${tool}: ${texts[code]}`),
      ),
    transact(database, work) {
      const { death, code } = next()
      if (death === 'before' || death === 'half') die()
      // What SQLite says of a disk that is full or broken.
      if (code !== undefined)
        throw new Error(code === 'ENOSPC' ? 'database or disk is full' : 'disk I/O error')
      real.transact(database, work)
      if (death === 'after') die()
    },
  }
  return {
    files,
    arm(wanted) {
      disturbance = wanted
      operations = 0
    },
  }
}

import { status } from '@grpc/grpc-js'
import { DriverError, toDriverError } from './driver-error.ts'
import type { FileOperations } from './file-operations.ts'
import { runTool, ToolError } from './run-tool.ts'

/**
 * Copies a file to a path, or a directory's content into an empty one or none, with everything (owners, modes, times,
 * links, extended attributes) and with holes kept, sharing blocks where the file system can. What it
 * made is on the disk when it resolves.
 */
export async function copyData(
  files: FileOperations,
  from: string,
  to: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    await files.run(
      'cp',
      ['-a', '--reflink=auto', '--sparse=always', '--no-target-directory', '--', from, to],
      signal,
    )
    await files.run('sync', ['--file-system', '--', to], signal)
  } catch (error) {
    if (!(error instanceof ToolError)) throw error
    if (signal.aborted) throw new DriverError(status.UNAVAILABLE, 'the driver is stopping', error)
    throw toDriverError(error)
  }
}

/** Bytes that a directory or file takes on the disk. */
export async function measureBytes(path: string, signal?: AbortSignal): Promise<number> {
  const output = await runTool('du', ['--summarize', '--block-size=1', '--', path], signal)
  return Number.parseInt(output, 10)
}

import { dirname } from 'node:path'
import { status } from '@grpc/grpc-js'
import type { CopyView } from './copy-view.ts'
import { DriverError, toDriverError } from './driver-error.ts'
import type { FileOperations } from './file-operations.ts'
import { runTool, ToolError } from './run-tool.ts'

/**
 * Copies a file to a path, or a directory's content into an empty one or none, with everything (owners, modes,
 * times, links, extended attributes) and with holes kept, sharing blocks where the file system can. What it
 * made is on the disk when it resolves. @param to a path of the staging directory
 */
export async function copyData(
  { files, copyView }: { readonly files: FileOperations; readonly copyView: CopyView },
  from: string,
  to: string,
  signal: AbortSignal,
): Promise<void> {
  const args = ['-a', '--reflink=auto', '--sparse=always', '--no-target-directory', '--', from, to]
  try {
    if (copyView.type === 'absent') await files.run('cp', args, signal)
    else await copyView.run({ source: from, staging: dirname(to) }, 'cp', args, signal)
    await files.run('sync', ['--file-system', '--', to], signal)
  } catch (error) {
    if (!(error instanceof ToolError)) throw error
    if (signal.aborted) throw new DriverError(status.UNAVAILABLE, 'the driver is stopping', error)
    throw toDriverError(error)
  }
}

/** Bytes that a directory or file takes on the disk. `du` follows no link, whatever is swapped under it. */
export async function measureBytes(path: string, signal?: AbortSignal): Promise<number> {
  const args = ['--summarize', '--one-file-system', '--block-size=1', '--', path]
  return Number.parseInt(await runTool('du', args, signal), 10)
}

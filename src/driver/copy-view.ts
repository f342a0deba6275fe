import { errorMessage } from '../lib/errors.ts'
import type { FileOperations } from './file-operations.ts'
import { ToolError } from './run-tool.ts'

/**
 * Runs a tool that copies in a mount namespace of its own, where neither the source nor the destination
 * follows symbolic links. A workload may swap a directory of its volume for a link while it is copied: the
 * tool then gets an error, and never what the link leads to. What is mounted in the source is not seen.
 */
export type CopyView =
  | {
      readonly type: 'confined'
      /** @throws ToolError @param staging the directory in which the copy is made */
      run(paths: CopyPaths, tool: string, args: readonly string[], signal: AbortSignal): Promise<string>
    }
  | { readonly type: 'absent'; readonly reason: string }

export interface CopyPaths {
  readonly source: string
  readonly staging: string
}

/** A bind mount does not take along what is mounted below it. Its flags come by a second step. */
const script = `set -e
mount --bind "$1" "$1"
mount -o remount,bind,ro,nosuid,nodev,noexec,nosymfollow "$1"
mount --bind "$2" "$2"
mount -o remount,bind,nosuid,nodev,nosymfollow "$2"
shift 2
exec "$@"`

// Unmounts of the machine reach the namespace, so that it keeps nothing mounted.
const asRoot = ['--mount', '--propagation', 'slave']
const asOrdinaryUser = ['--user', '--map-current-user', '--keep-caps', ...asRoot]

/** Tries what this process may do: root may, and an ordinary user where there are user namespaces. */
export async function detectCopyView(files: FileOperations, directory: string): Promise<CopyView> {
  let reason = ''
  for (const options of [asRoot, asOrdinaryUser]) {
    const run = ({ source, staging }: CopyPaths, command: readonly string[], signal?: AbortSignal) =>
      files.run('unshare', [...options, 'sh', '-c', script, 'sh', source, staging, ...command], signal)
    try {
      await run({ source: directory, staging: directory }, ['true'])
      return {
        type: 'confined',
        run: (paths, tool, args, signal) => run(paths, [tool, ...args], signal),
      }
    } catch (error) {
      if (!(error instanceof ToolError)) throw error
      reason = errorMessage(error)
    }
  }
  return { type: 'absent', reason }
}

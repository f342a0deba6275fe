import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Runs a tool, quietly. @throws where it fails */
export function runQuietly(tool: string, ...args: string[]): string {
  return execFileSync(tool, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
}

function tryIn(work: (directory: string) => void): boolean {
  const directory = mkdtempSync(join(tmpdir(), 'mooring-probe-'))
  try {
    work(directory)
    return true
  } catch {
    // Whatever the reason is, this process may not.
    return false
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Whether this process may mount (that takes root). */
export const canMount = tryIn((directory) => {
  runQuietly('mount', '--bind', directory, directory)
  runQuietly('umount', directory)
})

/** Whether this process may set up loop devices (that takes root and losetup). */
export const hasLoopDevices = tryIn((directory) => {
  const file = join(directory, 'file')
  writeFileSync(file, Buffer.alloc(4096))
  const device = runQuietly('losetup', '--find', '--show', file).trim()
  runQuietly('losetup', '--detach', device)
})

/** Where this process sees mounts at or below a directory, the deepest first. */
export function mountPointsBelow(directory: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((mountPoint) => mountPoint.startsWith(directory))
    .reverse()
}

import { existsSync, lstatSync, mkdirSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, isAbsolute, relative, resolve, sep } from 'node:path'
import { badRequest, unprocessable } from '../errors.ts'

/**
 * Checks that a target lies beneath the mount root, by its text and by what its existing part really is, and
 * makes its parent, as a plugin may expect. @returns the target, normalised @throws ApiError
 */
export function prepareTarget(mountRoot: string | undefined, target: string): string {
  if (mountRoot === undefined) {
    throw unprocessable(
      'this server mounts nothing: start it with --mount-root to say beneath which folder it may',
    )
  }
  if (!isAbsolute(target) || target.includes('\0')) throw badRequest('TargetPath must be an absolute path')
  const path = resolve(target)
  requireBeneath(resolve(mountRoot), path, mountRoot)
  mkdirSync(mountRoot, { recursive: true })
  let existing = dirname(path)
  while (!existsSync(existing)) existing = dirname(existing)
  const root = realpathSync(mountRoot)
  if (realpathSync(existing) !== root) requireBeneath(root, realpathSync(existing), mountRoot)
  mkdirSync(dirname(path), { recursive: true })
  return path
}

function requireBeneath(root: string, path: string, mountRoot: string) {
  const inner = relative(root, path)
  if (inner === '' || inner === '..' || inner.startsWith(`..${sep}`)) {
    throw badRequest(`TargetPath must lie beneath ${mountRoot} (--mount-root)`)
  }
}

/** Whether something is published there: a mount of the kernel, or the link that a plugin may use instead. */
export function isPublished(target: string): boolean {
  const status = lstatSync(target, { throwIfNoEntry: false })
  if (status === undefined) return false
  if (status.isSymbolicLink()) return existsSync(target)
  // Fifth field of each line, with blanks and such as octal escapes (proc_pid_mountinfo(5)).
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .some(
      (line) =>
        line
          .split(' ')[4]
          ?.replaceAll(/\\(\d{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8))) === target,
    )
}

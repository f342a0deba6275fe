import { existsSync, lstatSync, mkdirSync, readFileSync, realpathSync, type Stats, statSync } from 'node:fs'
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import process from 'node:process'
import { badRequest, unprocessable } from '../errors.ts'

/**
 * Checks that a target lies beneath the mount root, and makes its parent, as a plugin may expect. A plugin that runs as
 * root mounts there after this check. So every folder on the way has to belong to root or to the server's user, and
 * only they may write to it: otherwise its owner could replace it by a link.
 * @returns the target as the kernel names it @throws ApiError
 */
export function prepareTarget(mountRoot: string | undefined, target: string): string {
  if (mountRoot === undefined) {
    throw unprocessable(
      'this server mounts nothing: start it with --mount-root to say beneath which folder it may',
    )
  }
  if (!isAbsolute(target) || target.includes('\0')) throw badRequest('TargetPath must be an absolute path')
  mkdirSync(mountRoot, { recursive: true, mode: 0o755 })
  const root = realpathSync(mountRoot)
  // By the root's own name or by that of the kernel.
  const path = [resolve(mountRoot), root].map((base) => innerPath(base, resolve(target))).find(Boolean)
  if (path === undefined) throw badRequest(`TargetPath must lie beneath ${mountRoot} (--mount-root)`)
  requireOwnAncestors(root)
  requireOwn(root, statSync(root))
  let folder = root
  for (const name of dirname(path).split(sep)) {
    if (name === '.') break
    folder = join(folder, name)
    if (lstatSync(folder, { throwIfNoEntry: false }) === undefined) mkdirSync(folder, { mode: 0o755 })
    const status = lstatSync(folder)
    if (status.isSymbolicLink()) {
      throw badRequest(`${folder} is a link: no folder of a TargetPath beneath ${mountRoot} may be one`)
    }
    requireOwn(folder, status)
  }
  return join(root, path)
}

/** A link where the volume is to be mounted would lead the mount elsewhere. @throws ApiError */
export function requireNoLink(target: string): void {
  if (!lstatSync(target, { throwIfNoEntry: false })?.isSymbolicLink()) return
  throw badRequest(`${target} is a link: remove it, or choose another TargetPath`)
}

/** A target as the kernel names it, for comparing; a folder that is not there cannot be named otherwise. */
export function kernelPath(target: string): string {
  const folder = dirname(resolve(target))
  return existsSync(folder) ? join(realpathSync(folder), basename(target)) : resolve(target)
}

/** undefined: it lies elsewhere, or is the root itself. */
function innerPath(root: string, path: string): string | undefined {
  const inner = relative(root, path)
  return inner === '' || inner === '..' || inner.startsWith(`..${sep}`) ? undefined : inner
}

/** Whoever may rename a folder on the way to the root may put another root there. */
function requireOwnAncestors(root: string) {
  for (let folder = dirname(root); ; folder = dirname(folder)) {
    const status = statSync(folder)
    // In a sticky folder such as /tmp users rename only their own files.
    const isSticky = (status.mode & 0o1000) !== 0
    if (isSticky ? !isOurs(status) : true) requireOwn(folder, status)
    if (folder === dirname(folder)) return
  }
}

function requireOwn(folder: string, status: Stats) {
  if (!status.isDirectory()) throw badRequest(`${folder} is no folder`)
  if (isOurs(status) && (status.mode & 0o022) === 0) return
  throw unprocessable(
    `others than root and the server's user may change ${folder}, and could lead a mount elsewhere: chown it to root or to that user, and chmod go-w it`,
  )
}

const isOurs = ({ uid }: Stats) => uid === 0 || uid === process.getuid?.()

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

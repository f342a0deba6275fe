import { existsSync, mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { errorCode, errorMessage, UsageError } from './errors.ts'

/**
 * Makes a folder and the folders around it, one after another: the recursive mkdir of Node never ends beneath /proc, and hides
 * that a file system is read-only.
 * @param modeBits of the folders that are made
 * @throws UsageError that names the folder and why it cannot be made
 */
export function makeFolder(path: string, modeBits: number): void {
  const missing: string[] = []
  for (let at = resolve(path); !existsSync(at); at = dirname(at)) missing.unshift(at)
  for (const each of missing) {
    try {
      mkdirSync(each, { mode: modeBits })
    } catch (error) {
      // Another process may have made it in between.
      if (errorCode(error) === 'EEXIST') continue
      throw new UsageError(`folder ${path} cannot be made: ${explain(each, error)}`, { cause: error })
    }
  }
}

function explain(path: string, error: unknown): string {
  switch (errorCode(error)) {
    case 'ENOTDIR':
      return `${dirname(path)} is a file: name another folder`
    case 'EROFS':
      return `${dirname(path)} is on a file system that is read-only: name another folder, or mount it for writing`
    case 'EACCES':
    case 'EPERM':
      return `this user may not write to ${dirname(path)}: give the user the right, or name another folder`
    case 'ENOSPC':
      return 'the file system is full: make room on it'
    case 'ENOENT':
      return `no folder can be made in ${dirname(path)}: name another folder`
    default:
      return errorMessage(error)
  }
}

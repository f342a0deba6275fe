import { closeSync, fdatasync, fstatSync, fsync, openSync } from 'node:fs'
import { chmod, mkdir, open, rename, rmdir, symlink, unlink, writeFile } from 'node:fs/promises'
import type { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { transaction } from '../lib/sqlite.ts'
import { runTool } from './run-tool.ts'

/**
 * Every way in which the driver changes the disk or the kernel's tables. Nothing in the driver changes them
 * otherwise, so that a test can make any single change fail, or end the process at it.
 *
 * Each method rejects with the system's error (`code` is `ENOSPC`, `EROFS` …), `run` with a ToolError.
 */
export interface FileOperations {
  /** Makes one directory. Its parent must be there. */
  mkdir(path: string, modeBits: number): Promise<void>
  /** Makes a new file, readable by its owner alone. EEXIST where something is there. */
  createFile(path: string, content: string): Promise<void>
  /** Gives a file a size. What it gains is a hole, what it loses is gone. */
  truncate(path: string, sizeBytes: number): Promise<void>
  rename(from: string, to: string): Promise<void>
  unlink(path: string): Promise<void>
  rmdir(path: string): Promise<void>
  symlink(target: string, path: string): Promise<void>
  chmod(path: string, modeBits: number): Promise<void>
  /** When it resolves, a power cut leaves a file's content, or a directory's entries, as they are. */
  sync(path: string): Promise<void>
  /** Runs a system tool that changes something (`mount`, `cp`, `losetup` …), and gives its standard output. */
  run(tool: string, args: readonly string[], signal?: AbortSignal): Promise<string>
  /** Runs the statements of `work` in one transaction of the pool's database. */
  transact(database: DatabaseSync, work: () => unknown): void
}

const syncAll = promisify(fsync)
const syncData = promisify(fdatasync)

/** The real ones: Node's file system, and the tools of the machine. */
export const systemFileOperations: FileOperations = {
  mkdir: (path, modeBits) => mkdir(path, { mode: modeBits }).then(() => undefined),
  createFile: (path, content) => writeFile(path, content, { flag: 'wx', mode: 0o600 }),
  async truncate(path, sizeBytes) {
    const file = await open(path, 'r+')
    try {
      await file.truncate(sizeBytes)
    } finally {
      await file.close()
    }
  },
  rename,
  unlink,
  rmdir,
  symlink,
  chmod,
  async sync(path) {
    // To open and close what is there waits for nothing, and is done many times a second.
    const file = openSync(path, 'r')
    try {
      // Of a file the content and its length are enough: its times alone would cost a commit of the file system's journal.
      await (fstatSync(file).isDirectory() ? syncAll(file) : syncData(file))
    } finally {
      closeSync(file)
    }
  },
  run: runTool,
  transact: (database, work) => void transaction(database, work),
}

import { hash } from 'node:crypto'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { Problem } from '../declare/declaration.ts'
import { parseDeclarations } from '../declare/parse-declarations.ts'
import { type Doubt, wordsOf } from '../desired/evidence.ts'
import { realName } from './file-names.ts'
import { contentOf, type ParsedFile, unreadFile, withKnown } from './parsed-file.ts'
import { readText } from './read-text.ts'
import { type FoundFile, isSameScan, scanFiles, type Unreadable } from './scan-files.ts'
import type { ParseFile, Source, SourceContent } from './source.ts'
import { watchFiles } from './watch-files.ts'

export interface FileSourceOptions {
  /** A folder, which is read with everything beneath it, or a single file. It may come later. */
  readonly path: string
  readonly clock: Clock
  readonly log: Log
  readonly parse?: ParseFile
}

/** The content of one file when it was last parsed. */
interface Parsed extends ParsedFile {
  readonly fingerprint: string
  /** Of its text. Absent: the text could not be read. */
  readonly contentHash?: string
  /** The fingerprint will show the next change: see stableAfterMs. */
  readonly isStable: boolean
}

/**
 * Two changes in quick succession can have the same time and size, where the clock of the file system is coarse (2 s on
 * FAT). A file that changed more recently than this is parsed again at the next reading.
 */
const stableAfterMs = 2_500

/** How often a folder is read that changes during the reading. */
const attempts = 3

/**
 * Declarations in YAML, JSON and HCL files. The source is named by the real path of its folder or file.
 *
 * A reading shows one moment: the folder is scanned before and after, and read again where both differ. So a declaration that
 * moves from one file to another is never missed. What a file declared that cannot be read or understood now is in doubt.
 */
export function createFileSource({
  path,
  clock,
  log,
  parse: parseText = parseDeclarations,
}: FileSourceOptions): Source {
  const name = realName(path)
  let parsed: ReadonlyMap<string, Parsed> = new Map()
  let lastReading: Promise<unknown> = Promise.resolve()
  const listeners = new Set<() => void>()
  let watch: { close(): Promise<void> } | undefined
  let cancelReminder = () => {}
  let closed = false
  const tell = () => listeners.forEach((listener) => void listener())

  const problemOf = (file: string, message: string): Problem => ({
    place: { source: name, file, document: 0, line: 0, column: 0 },
    field: '',
    message,
  })

  async function parse(found: FoundFile): Promise<Parsed> {
    const { file, fingerprint } = found
    const before = parsed.get(file)
    if (before?.isStable && before.fingerprint === fingerprint) return before
    const isStable = clock.now() - found.changedAtMs > stableAfterMs
    const read = await readText(found.path)
    if ('message' in read)
      return { fingerprint, isStable: false, ...unreadFile(problemOf(file, read.message)) }
    const contentHash = hash('sha256', read.text)
    if (before?.contentHash === contentHash) return { ...before, fingerprint, isStable }
    const result = withKnown(parseText(read.text, { source: name, file }), before)
    const words = result.problems.length > 0 ? { words: wordsOf(read.text) } : {}
    return { fingerprint, isStable, contentHash, ...result, ...words }
  }

  /** The doubt about something that cannot be read. A file whose name is wrong tells by its text what it may declare. */
  async function doubtOf({ file, message, path: misnamed }: Unreadable): Promise<Doubt> {
    const problem = problemOf(file, message)
    if (misnamed === undefined) return { file, problem }
    const read = await readText(misnamed)
    return 'message' in read ? { file, problem } : { file, problem, words: wordsOf(read.text) }
  }

  async function readOnce(signal: AbortSignal | undefined) {
    const scan = await scanFiles(path, signal)
    const files = new Map<string, Parsed>()
    for (const found of scan.files) {
      signal?.throwIfAborted()
      files.set(found.file, await parse(found))
    }
    parsed = files
    const doubts = await Promise.all(scan.unreadable.map(doubtOf))
    return { scan, files, doubts, isStill: isSameScan(scan, await scanFiles(path, signal)) }
  }

  async function readNow(signal: AbortSignal | undefined): Promise<SourceContent> {
    const monotonicMs = clock.monotonicMs()
    let reading = await readOnce(signal)
    for (let attempt = 1; attempt < attempts && !reading.isStill; attempt++) reading = await readOnce(signal)
    const { scan, files, isStill } = reading
    cancelReminder()
    if (listeners.size > 0 && !isStill) cancelReminder = clock.after(stableAfterMs + 1, tell)
    const moving: Doubt = {
      file: '',
      problem: problemOf('', 'changes during the reading: it is read again in a few seconds'),
    }
    const folderOf = new Map(scan.files.map(({ file, folder }) => [file, folder]))
    return contentOf({
      source: name,
      files,
      doubts: [...reading.doubts, ...(isStill ? [] : [moving])],
      listing: { type: 'folders', folders: scan.folders, passed: scan.passed },
      folderOf(file) {
        const folder = folderOf.get(file)
        const evidence = folder === undefined ? undefined : scan.folders.get(folder)
        return evidence && `${evidence.device} ${evidence.realPath}`
      },
      monotonicMs,
      readAtMs: clock.now(),
    })
  }

  return {
    name,
    read(signal) {
      const reading = lastReading.then(() => readNow(signal))
      // The next reading waits for this one. A failure of this one is for its own caller.
      lastReading = reading.catch(() => {})
      return reading
    },
    onChange(listener) {
      if (closed) return () => {}
      listeners.add(listener)
      watch ??= watchFiles({ path, clock, log, onChange: tell })
      return () => listeners.delete(listener)
    },
    async close() {
      closed = true
      listeners.clear()
      cancelReminder()
      await watch?.close()
    },
  }
}

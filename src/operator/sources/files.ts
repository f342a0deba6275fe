import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { Declaration, Problem } from '../declare/declaration.ts'
import { parseDeclarations } from '../declare/parse-declarations.ts'
import { carryOver } from './carry-over.ts'
import { readText } from './read-text.ts'
import { compare, type FoundFile, isSameScan, scanFiles } from './scan-files.ts'
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
interface Parsed {
  readonly fingerprint: string
  /** The fingerprint will show the next change: see stableAfterMs. */
  readonly isStable: boolean
  readonly declarations: Declaration[]
  readonly problems: Problem[]
  readonly warnings: readonly Problem[]
  readonly skipped: number
  /** The file may be in the middle of a change, so it is read again soon. */
  readonly isPassing?: boolean
}

/**
 * Two changes in quick succession can have the same time and size, where the clock of the file system is coarse (2 s on
 * FAT). A file that changed more recently than this is parsed again at the next reading.
 */
const stableAfterMs = 2_500

/** How often a folder is read that changes during the reading. */
const attempts = 3

/**
 * Declarations in YAML, JSON and HCL files.
 *
 * A reading shows one moment: the folder is scanned before and after, and read again where both differ. So a declaration that
 * moves from one file to another is never missed. Where a file cannot be read or understood, its earlier declarations stay,
 * and the reading is incomplete.
 */
export function createFileSource({
  path,
  clock,
  log,
  parse: parseText = parseDeclarations,
}: FileSourceOptions): Source {
  const name = path.length > 1 ? path.replace(/\/+$/, '') || '/' : path
  let parsed: ReadonlyMap<string, Parsed> = new Map()
  let declared: readonly Declaration[] = []
  let lastReading: Promise<unknown> = Promise.resolve()
  const listeners = new Set<() => void>()
  let watch: { close(): Promise<void> } | undefined
  let cancelReminder = () => {}
  let closed = false
  const tell = () => listeners.forEach((listener) => void listener())

  const problemOf = (file: string, message: string): Problem => ({
    place: { source: name, file, document: 0, line: 1, column: 1 },
    field: '',
    message,
  })

  async function parse(found: FoundFile): Promise<Parsed> {
    const { file, fingerprint } = found
    const before = parsed.get(file)
    if (before?.isStable && before.fingerprint === fingerprint) return before
    const isStable = clock.now() - found.changedAtMs > stableAfterMs
    const unreadable = (message: string): Parsed => ({
      fingerprint,
      isStable: false,
      declarations: [],
      problems: [problemOf(file, message)],
      warnings: [],
      skipped: 0,
    })
    const read = await readText(found.path)
    if ('message' in read) return unreadable(read.message)
    // Many programs save a file by emptying it first.
    if (!isStable && read.text.trim() === '' && declared.some(({ place }) => place.file === file)) {
      const message =
        'became empty just now: if it stays empty for a few seconds, its declarations count as removed'
      return { ...unreadable(message), isPassing: true }
    }
    return { fingerprint, isStable, ...parseText(read.text, { source: name, file }) }
  }

  async function readOnce(signal: AbortSignal | undefined) {
    const scan = await scanFiles(path, signal)
    const files = new Map<string, Parsed>()
    for (const found of scan.files) {
      signal?.throwIfAborted()
      files.set(found.file, await parse(found))
    }
    parsed = files
    return { scan, files, isStill: isSameScan(scan, await scanFiles(path, signal)) }
  }

  async function readNow(signal: AbortSignal | undefined): Promise<SourceContent> {
    let reading = await readOnce(signal)
    for (let attempt = 1; attempt < attempts && !reading.isStill; attempt++) reading = await readOnce(signal)
    const { scan, files, isStill } = reading
    const problems = [
      ...scan.unreadable.map(({ file, message }) => problemOf(file, message)),
      ...[...files.values()].flatMap((file) => file.problems),
      ...(isStill ? [] : [problemOf('', 'changes during the reading: it is read again in a few seconds')]),
    ]
    cancelReminder()
    if (listeners.size > 0 && (!isStill || [...files.values()].some((file) => file.isPassing))) {
      cancelReminder = clock.after(stableAfterMs + 1, tell)
    }
    declared = carryOver(declared, files, isStill ? scan.unreadable : undefined)
    return {
      declarations: declared,
      problems: problems.sort((a, b) => compare(a.place.file, b.place.file)),
      warnings: [...files.values()].flatMap((file) => file.warnings),
      complete: problems.length === 0,
      readAtMs: clock.now(),
      skipped: [...files.values()].reduce((sum, file) => sum + file.skipped, 0),
    }
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

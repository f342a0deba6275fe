import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { Declaration, Problem } from '../declare/declaration.ts'
import { type ParsedDeclarations, parseDeclarations } from '../declare/parse-declarations.ts'
import { carryOver } from './carry-over.ts'
import type { GitAddress } from './git-address.ts'
import { explainGitFailure } from './git-command.ts'
import { type GitRepository, openGitRepository, type Signers } from './git-repository.ts'
import { scanTree, type TreeFile } from './git-tree.ts'
import { decodeText, largestFileBytes, tooLarge } from './read-text.ts'
import { compare, isDeclarationFile } from './scan-files.ts'
import type { ParseFile, Source, SourceContent } from './source.ts'

export interface GitSourceOptions {
  readonly address: GitAddress
  /** The folder for the copy of the repository, for this source only. It is made where it is missing. */
  readonly directory: string
  /** The pause between two looks at the repository, while the source is watched. */
  readonly pollMs: number
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  readonly log: Log
  readonly parse?: ParseFile
  /** Where given, a commit counts only with a good signature by one of these keys. */
  readonly signers?: Signers
}

export interface GitSource extends Source {
  /** Looks at the repository soon, because somebody reported a change. */
  wake(): void
}

interface Parsed extends Readonly<ParsedDeclarations> {
  readonly objectID: string
}

/** So much of the files of a commit is in memory at once. */
const chunkBytes = 16 * 2 ** 20

/**
 * Declarations in a Git repository. Each reading shows one whole commit. Where the repository cannot be reached, the branch is
 * gone, or the required signature is missing, the last good commit stays, even in a later process, and the reading is
 * incomplete.
 */
export function createGitSource(options: GitSourceOptions): GitSource {
  const { address, clock, log, pollMs, signers, parse = parseDeclarations } = options
  const { name } = address
  const listeners = new Set<() => void>()
  const closing = new AbortController()
  let repository: Promise<GitRepository> | undefined
  let parsed: ReadonlyMap<string, Parsed> = new Map()
  let good: SourceContent | undefined
  let failure: Problem | undefined
  let lastLook: Promise<void> = Promise.resolve()
  let waiting: Promise<void> | undefined
  let hasLooked = false
  let cancelPoll = () => {}

  const problemOf = (file: string, message: string, commit?: string): Problem => ({
    place: {
      source: name,
      file,
      document: 0,
      line: 1,
      column: 1,
      ...(commit === undefined ? {} : { commit }),
    },
    field: '',
    message,
  })

  function open(): Promise<GitRepository> {
    repository ??= openGitRepository({ ...options, signal: closing.signal })
    repository.catch(() => {
      repository = undefined
    })
    return repository
  }

  async function parseFiles(git: GitRepository, commit: string, files: readonly TreeFile[]) {
    const result = new Map<string, Parsed>()
    const unread: TreeFile[] = []
    const refused = (objectID: string, file: string, message: string): Parsed => ({
      objectID,
      declarations: [],
      problems: [problemOf(file, message, commit)],
      warnings: [],
      skipped: 0,
    })
    for (const found of files) {
      const before = parsed.get(found.file)
      if (before?.objectID === found.objectID) result.set(found.file, before)
      else if (found.sizeBytes > largestFileBytes)
        result.set(found.file, refused(found.objectID, found.file, tooLarge))
      else unread.push(found)
    }
    while (unread.length > 0) {
      const chunk = takeChunk(unread)
      const contents = await git.read(
        chunk.map(({ objectID }) => objectID),
        closing.signal,
      )
      for (const { file, objectID } of chunk) {
        const bytes = contents.get(objectID)
        const decoded = bytes === undefined ? { message: 'is missing in the repository' } : decodeText(bytes)
        result.set(
          file,
          'message' in decoded
            ? refused(objectID, file, decoded.message)
            : { objectID, ...parse(decoded.text, { source: name, file }) },
        )
      }
    }
    return result
  }

  /** Reads a whole commit, or rejects. Nothing changes before all of it is known. */
  async function load(git: GitRepository, commit: string, atMs: number): Promise<void> {
    const scan = await scanTree(git, commit, address.path, closing.signal)
    if (scan === undefined) throw new Error(`has no ${address.path} at commit ${commit}: correct the path`)
    const files = await parseFiles(git, commit, scan.files)
    const stamp = <Item extends Declaration | Problem>(item: Item): Item => ({
      ...item,
      place: { ...item.place, commit },
    })
    // A link with the name of a declaration's file counts as such a file.
    const lost = scan.unfollowed.filter(({ file }) => isDeclarationFile(file))
    const passedOver = scan.unfollowed.filter(({ file }) => !isDeclarationFile(file))
    const problems = [
      ...lost.map(({ file, message }) => problemOf(file, message, commit)),
      ...[...files.values()].flatMap((file) => file.problems.map(stamp)),
    ].sort((a, b) => compare(a.place.file, b.place.file))
    parsed = files
    good = {
      declarations: carryOver(good?.declarations ?? [], files, lost).map(stamp),
      problems,
      warnings: [
        ...passedOver.map(({ file, message }) => problemOf(file, message, commit)),
        ...[...files.values()].flatMap((file) => file.warnings.map(stamp)),
      ],
      complete: problems.length === 0,
      readAtMs: atMs,
      skipped: [...files.values()].reduce((sum, file) => sum + file.skipped, 0),
      commit,
    }
  }

  async function lookNow(): Promise<void> {
    const { signal } = closing
    // A later push may be missing.
    const atMs = clock.now()
    try {
      const git = await open()
      const commit = await git.fetch(signal)
      if (good?.commit !== commit || failure !== undefined) {
        if (signers !== undefined) await verify(git, commit, signers)
        await load(git, commit, atMs)
        await git.choose(commit, signal)
        log.info({ source: name, commit }, 'commit read')
      } else {
        good = { ...good, readAtMs: atMs }
      }
      failure = undefined
    } catch (error) {
      signal.throwIfAborted()
      failure = problemOf('', `cannot be read, and the last good commit stays: ${explainGitFailure(error)}`)
      if (good === undefined) await loadChosen()
    } finally {
      hasLooked = true
    }
  }

  async function verify(git: GitRepository, commit: string, by: Signers): Promise<void> {
    try {
      await git.verify(commit, by, closing.signal)
    } catch (error) {
      closing.signal.throwIfAborted()
      throw new Error(
        `commit ${commit} has no good signature by a given key (${explainGitFailure(error)}): sign it and push again`,
        { cause: error },
      )
    }
  }

  /** Reads the last good commit of an earlier process, and checks its signature again. */
  async function loadChosen(): Promise<void> {
    try {
      const git = await open()
      const commit = await git.chosen(closing.signal)
      if (commit === undefined) return
      if (signers !== undefined) await verify(git, commit, signers)
      await load(git, commit, clock.now())
    } catch (error) {
      closing.signal.throwIfAborted()
      // The first failure is reported. Without the copy there is no last good commit.
      log.warn(
        { source: name, error: explainGitFailure(error) },
        'the last good commit cannot be read; the source counts as unread until its repository answers',
      )
    }
  }

  /** One look at a time. All who ask during one share the next one. */
  function look(): Promise<void> {
    if (waiting !== undefined) return waiting
    const next = lastLook.then(() => {
      waiting = undefined
      return lookNow()
    })
    waiting = next
    // A failure of this look is for its own caller, not for the next look.
    lastLook = next.catch(() => {})
    return next
  }

  function lookAndTell(): void {
    cancelPoll()
    look().then(
      () => {
        if (closing.signal.aborted || listeners.size === 0) return
        cancelPoll()
        cancelPoll = clock.after(pollMs, lookAndTell)
        for (const listener of listeners) listener()
      },
      // It rejects only where the source was closed.
      () => {},
    )
  }

  return {
    name,
    async read(signal) {
      signal?.throwIfAborted()
      closing.signal.throwIfAborted()
      if (!hasLooked || listeners.size === 0) await abortable(look(), signal)
      return contentOf(good, failure, clock.now())
    },
    onChange(listener) {
      if (closing.signal.aborted) return () => {}
      listeners.add(listener)
      if (listeners.size === 1) lookAndTell()
      return () => {
        listeners.delete(listener)
        if (listeners.size === 0) cancelPoll()
      }
    },
    wake() {
      if (listeners.size > 0) lookAndTell()
    },
    async close() {
      closing.abort()
      listeners.clear()
      cancelPoll()
      await lastLook
    },
  }
}

function contentOf(
  good: SourceContent | undefined,
  failure: Problem | undefined,
  nowMs: number,
): SourceContent {
  const content = good ?? {
    declarations: [],
    problems: [],
    warnings: [],
    complete: true,
    readAtMs: nowMs,
    skipped: 0,
  }
  if (failure === undefined) return content
  return { ...content, problems: [failure, ...content.problems], complete: false }
}

/** Takes the first files from the list, as many as fit into a chunk. */
function takeChunk(files: TreeFile[]): TreeFile[] {
  let bytes = 0
  const end = files.findIndex(({ sizeBytes }) => {
    bytes += sizeBytes
    return bytes > chunkBytes
  })
  return files.splice(0, end < 0 ? files.length : Math.max(1, end))
}

/** Rejects as soon as `signal` aborts. The work itself goes on for others. */
function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

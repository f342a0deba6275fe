import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { Declaration, Problem } from '../declare/declaration.ts'
import { type ParsedDeclarations, parseDeclarations } from '../declare/parse-declarations.ts'
import type { GitAddress } from './git-address.ts'
import { explainGitFailure } from './git-command.ts'
import { type GitRepository, openGitRepository, type Signers } from './git-repository.ts'
import { scanTree, type TreeFile } from './git-tree.ts'
import { keepUnknown } from './keep-unknown.ts'
import { decodeText, largestFileBytes, tooLarge } from './read-text.ts'
import { compare, isDeclarationFile } from './scan-files.ts'
import type { ParseFile, Source, SourceContent } from './source.ts'

export interface GitSourceOptions {
  readonly address: GitAddress
  /** Where the copy of the repository is kept; of this source alone, and made where it is not there. */
  readonly directory: string
  /** How long after one look at the repository the next one comes, while the source is watched. */
  readonly pollMs: number
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  readonly log: Log
  readonly parse?: ParseFile
  /** Given: a commit counts only with a good signature by one of these. */
  readonly signers?: Signers
}

export interface GitSource extends Source {
  /** Looks at the repository soon: somebody said that it changed. */
  wake(): void
}

interface Parsed extends Readonly<ParsedDeclarations> {
  readonly objectID: string
}

/** So much of a commit's files is held in memory at once. */
const chunkBytes = 16 * 2 ** 20

/**
 * Declarations in a Git repository. Each reading is of one whole commit. Where the repository cannot be
 * reached, its branch is gone, or the commit is not signed as it must be, the last good commit stays, in
 * a later process too, and the reading is incomplete.
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

  /** All of a commit, or a rejection: nothing is taken over before all of it is known. */
  async function load(git: GitRepository, commit: string, atMs: number): Promise<void> {
    const scan = await scanTree(git, commit, address.path, closing.signal)
    if (scan === undefined) throw new Error(`has no ${address.path} at commit ${commit}: correct the path`)
    const files = await parseFiles(git, commit, scan.files)
    const stamp = <Item extends Declaration | Problem>(item: Item): Item => ({
      ...item,
      place: { ...item.place, commit },
    })
    // A link that is named like a declaration's file stands for one.
    const lost = scan.unfollowed.filter(({ file }) => isDeclarationFile(file))
    const passedOver = scan.unfollowed.filter(({ file }) => !isDeclarationFile(file))
    const problems = [
      ...lost.map(({ file, message }) => problemOf(file, message, commit)),
      ...[...files.values()].flatMap((file) => file.problems.map(stamp)),
    ].sort((a, b) => compare(a.place.file, b.place.file))
    parsed = files
    good = {
      declarations: keepUnknown(good?.declarations ?? [], files, lost).map(stamp),
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
    // What was pushed after this may not be seen.
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

  /** The last good commit of an earlier process, which has to be as good by now. */
  async function loadChosen(): Promise<void> {
    try {
      const git = await open()
      const commit = await git.chosen(closing.signal)
      if (commit === undefined) return
      if (signers !== undefined) await verify(git, commit, signers)
      await load(git, commit, clock.now())
    } catch (error) {
      closing.signal.throwIfAborted()
      // The failure that led here is told; without the copy there is nothing to keep.
      log.warn({ source: name, error: explainGitFailure(error) }, 'the last good commit cannot be read')
    }
  }

  /** One look after the other; asked for while one runs, the next one is for all who ask. */
  function look(): Promise<void> {
    if (waiting !== undefined) return waiting
    const next = lastLook.then(() => {
      waiting = undefined
      return lookNow()
    })
    waiting = next
    // The next look has nothing to do with the failure of this one, which is its caller's.
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
      // It rejects only where the source is closed.
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

/** Takes the first files off the list, as many as go into a chunk. */
function takeChunk(files: TreeFile[]): TreeFile[] {
  let bytes = 0
  const end = files.findIndex(({ sizeBytes }) => {
    bytes += sizeBytes
    return bytes > chunkBytes
  })
  return files.splice(0, end < 0 ? files.length : Math.max(1, end))
}

/** Rejects as soon as `signal` aborts; the work itself goes on for others. */
function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

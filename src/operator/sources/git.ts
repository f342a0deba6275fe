import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { Problem } from '../declare/declaration.ts'
import { parseDeclarations } from '../declare/parse-declarations.ts'
import { type FileChange, type Listing, wordsOf } from '../desired/evidence.ts'
import type { GitAddress } from './git-address.ts'
import { explainGitFailure, isDamage } from './git-command.ts'
import {
  type GitChanges,
  type GitFileChange,
  type GitRepository,
  openGitRepository,
  type Signers,
} from './git-repository.ts'
import { scanTree, type TreeFile, type TreeScan } from './git-tree.ts'
import { contentOf, type ParsedFile, unreadFile, withKnown } from './parsed-file.ts'
import { decodeText, largestFileBytes, tooLarge } from './read-text.ts'
import { isDeclarationFile } from './scan-files.ts'
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
  /** Another copy of the same source, for one look beside an operator: removals are seen by what that one has recorded. */
  readonly earlier?: string
}

export interface GitSource extends Source {
  /** Looks at the repository soon, because somebody reported a change. */
  wake(): void
}

interface Parsed extends ParsedFile {
  readonly objectID: string
}

/** So much of the files of a commit is in memory at once. */
const chunkBytes = 16 * 2 ** 20

/**
 * Declarations in a Git repository. Each reading shows one whole commit. Where the repository cannot be reached, the branch is
 * gone, or the required signature is missing, the last good commit stays, even in a later process, and all of the source is
 * in doubt.
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
      ...unreadFile(problemOf(file, message, commit)),
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
        if (bytes === undefined) throw new Error(`missing blob ${objectID} of ${file}`)
        const decoded = decodeText(bytes)
        if ('message' in decoded) {
          result.set(file, refused(objectID, file, decoded.message))
          continue
        }
        const content = withKnown(parse(decoded.text, { source: name, file, commit }), parsed.get(file))
        const words = content.problems.length > 0 ? { words: wordsOf(decoded.text) } : {}
        result.set(file, { objectID, ...content, ...words })
      }
    }
    return result
  }

  /** Reads a whole commit, or rejects. Nothing changes before all of it is known. */
  async function load(git: GitRepository, commit: string, at: Moment): Promise<void> {
    const scan = await scanTree(git, commit, address.path, closing.signal)
    if (scan === undefined) throw new Error(`has no ${address.path} at commit ${commit}: correct the path`)
    const files = await parseFiles(git, commit, scan.files)
    const listing = await compare(git, commit, scan)
    // A link with the name of a declaration's file counts as such a file.
    const unfollowed = scan.unfollowed.map(({ file, message }) => problemOf(file, message, commit))
    const isLost = ({ place: { file } }: Problem) => isDeclarationFile(file)
    const doubts = unfollowed
      .filter(isLost)
      .map((problem) => ({ file: problem.place.file, problem, words: noWords }))
    const named = new Map([...files].map(([file, content]) => [file, complaintsAt(commit, content)]))
    const content = contentOf({ source: name, files: named, doubts, listing, ...at })
    parsed = files
    good = {
      ...content,
      warnings: [...unfollowed.filter((problem) => !isLost(problem)), ...content.warnings],
      commit,
    }
  }

  /** Compares a commit with the last one whose reading was recorded. */
  async function compare(git: GitRepository, commit: string, scan: TreeScan): Promise<Listing> {
    const before = await git.chosen(closing.signal)
    const { removed, changed } =
      before === undefined ? nothingKnown : await git.changes(before, commit, closing.signal).catch(unknown)
    const root = address.path === '' ? '' : `${address.path}/`
    const beneath = (path: string) =>
      path === address.path ? [''] : path.startsWith(root) ? [path.slice(root.length)] : []
    const read = new Set(scan.files.map(({ file }) => file))
    const isRead = (path: string) => beneath(path).some((file) => read.has(file))
    const unread = [...changed.values()].flatMap(({ to }) =>
      to === undefined || isRead(to.path) ? [] : [to],
    )
    const compared = unread.slice(0, mostCompared)
    const found = await git.resolve(
      commit,
      compared.map(({ path }) => path),
      closing.signal,
    )
    const isSmall = (index: number) => (found[index]?.sizeBytes ?? 0) <= largestFileBytes
    const texts = await git.read(
      compared.flatMap(({ objectID }, index) => (isSmall(index) ? [objectID] : [])),
      closing.signal,
    )
    const fileChange = ({ what, to }: GitFileChange): FileChange => {
      const [file] = to === undefined ? [] : beneath(to.path)
      return { what, ...(file === undefined ? {} : { to: file }) }
    }
    return {
      type: 'commit',
      commit,
      // Too many renames to look into: then any deleted file may be one of them.
      removed: new Set(unread.length > mostCompared ? [] : [...removed].flatMap(beneath)),
      changed: new Map(
        [...changed].flatMap(([path, change]) => beneath(path).map((file) => [file, fileChange(change)])),
      ),
      unread: unread.map(({ path, objectID }) => ({
        path,
        words: wordsOf(Buffer.from(texts.get(objectID) ?? []).toString()),
      })),
    }
  }

  /** What was declared and is gone stays in doubt then. */
  function unknown(error: unknown): GitChanges {
    closing.signal.throwIfAborted()
    log.warn(
      { source: name, error: explainGitFailure(error) },
      'two commits cannot be compared, so what is no longer declared is kept until a person confirms its removal',
    )
    return nothingKnown
  }

  async function lookNow(): Promise<void> {
    const { signal } = closing
    // A later push may be missing.
    const at = { readAtMs: clock.now(), monotonicMs: clock.monotonicMs() }
    try {
      const git = await open()
      await lookAt(git, at).catch(async (error) => {
        signal.throwIfAborted()
        if (!isDamage(error)) throw error
        log.warn(
          { source: name, error: explainGitFailure(error) },
          'the copy of the repository is damaged and is fetched again',
        )
        await git.renew(signal)
        await lookAt(git, at)
      })
      failure = undefined
    } catch (error) {
      signal.throwIfAborted()
      if (good === undefined) await loadChosen()
      const stays = good === undefined ? '' : ', and the last good commit stays'
      failure = problemOf('', `cannot be read${stays}: ${explainGitFailure(error)}`)
    } finally {
      hasLooked = true
    }
  }

  async function lookAt(git: GitRepository, at: Moment): Promise<void> {
    const commit = await git.fetch(closing.signal)
    if (good?.commit !== commit || failure !== undefined) {
      if (signers !== undefined) await verify(git, commit, signers)
      await load(git, commit, at)
      log.info({ source: name, commit }, 'commit read')
    } else {
      good = { ...good, readAtMs: at.readAtMs, evidence: { ...good.evidence, monotonicMs: at.monotonicMs } }
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
      await load(git, commit, { readAtMs: clock.now(), monotonicMs: clock.monotonicMs() })
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
      return withFailure(good ?? nothingRead(clock), failure)
    },
    async recorded({ commit }) {
      if (commit === undefined) return
      const git = await open()
      if ((await git.chosen(closing.signal)) !== commit) await git.choose(commit, closing.signal)
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

/**
 * Names the commit in what is wrong with a file. Its declarations name the one in which each last changed: a new object for
 * each declaration at each commit would have all of them decided about anew.
 */
function complaintsAt(commit: string, content: Parsed): Parsed {
  const { problems, warnings } = content
  if (problems.length + warnings.length === 0) return content
  const stamp = (problem: Problem): Problem => ({ ...problem, place: { ...problem.place, commit } })
  return { ...content, problems: problems.map(stamp), warnings: warnings.map(stamp) }
}

/** When a repository was looked at. */
interface Moment {
  readonly readAtMs: number
  readonly monotonicMs: number
}

const noWords: ReadonlySet<string> = new Set()
const nothingKnown: GitChanges = { removed: new Set(), changed: new Map() }

/** So many renamed files are looked into. */
const mostCompared = 200

/** Before the first look that succeeds. */
function nothingRead(clock: Clock): SourceContent {
  return {
    declarations: [],
    problems: [],
    warnings: [],
    evidence: {
      monotonicMs: clock.monotonicMs(),
      files: new Map(),
      doubts: [],
      listing: { type: 'commit', commit: '', removed: new Set(), changed: new Map(), unread: [] },
    },
    readAtMs: clock.now(),
    skipped: 0,
  }
}

function withFailure(content: SourceContent, failure: Problem | undefined): SourceContent {
  if (failure === undefined) return content
  const { evidence } = content
  const doubt = { file: '', problem: failure }
  return {
    ...content,
    problems: [failure, ...content.problems],
    evidence: { ...evidence, doubts: [doubt, ...evidence.doubts] },
  }
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

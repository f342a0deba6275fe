import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { readName } from './file-names.ts'
import type { GitAddress } from './git-address.ts'
import { createGit, type GitCommandOptions, isDamage, readGit } from './git-command.ts'

/** A file, folder, link or submodule of a commit. */
export interface GitEntry {
  readonly kind: 'file' | 'link' | 'folder' | 'submodule'
  readonly objectID: string
  readonly sizeBytes: number
  /** The path beneath the listed folder, with forward slashes. */
  readonly path: string
  /** The path with escapes, where it is not UTF-8. */
  readonly misnamed?: string
}

export interface GitFileChange {
  /** Such as `renames a.yaml to b.yaml`. */
  readonly what: string
  /** Its new path, and what is there. */
  readonly to?: { readonly path: string; readonly objectID: string }
}

/** What one commit does to the files of another, by the paths in the repository. */
export interface GitChanges {
  readonly removed: ReadonlySet<string>
  /** Files that it renames or replaces by something else. */
  readonly changed: ReadonlyMap<string, GitFileChange>
}

/** A shallow copy of one branch, without files. Objects are read from git's own storage. */
export interface GitRepository {
  /** Fetches the newest commit of the branch. Resolves with its full hash. */
  fetch(signal: AbortSignal): Promise<string>
  /** Throws the copy away, once there is another one. The chosen commit stays chosen where it can still be fetched. */
  renew(signal: AbortSignal): Promise<void>
  /** What the newer of two commits does to the files of the older one. Rejects where the copy does not have both. */
  changes(older: string, newer: string, signal: AbortSignal): Promise<GitChanges>
  /** The commit that was chosen last, even by an earlier process. */
  chosen(signal: AbortSignal): Promise<string | undefined>
  /** Chooses a commit, so that git does not delete it as garbage. */
  choose(commit: string, signal: AbortSignal): Promise<void>
  /** What is at the paths of a commit, with links within the repository followed; undefined where nothing is. */
  resolve(
    commit: string,
    paths: readonly string[],
    signal: AbortSignal,
  ): Promise<({ kind: 'file' | 'folder'; objectID: string; sizeBytes: number } | undefined)[]>
  /** Everything beneath a folder, with its folders. */
  list(treeID: string, signal: AbortSignal): Promise<GitEntry[]>
  /** The contents of files, by object ID. */
  read(objectIDs: readonly string[], signal: AbortSignal): Promise<Map<string, Uint8Array>>
  /** Rejects unless one of the given keys has signed the commit. */
  verify(commit: string, signers: Signers, signal: AbortSignal): Promise<void>
}

/** The keys whose signatures count. Those of this machine's user do not. */
export interface Signers {
  /** An allowed_signers file of OpenSSH; the null device where no SSH key counts. */
  readonly allowedSignersFile: string
  /** A home directory of GnuPG with only these keys. */
  readonly gnupgHome: string
}

const fetched = 'refs/mooring/fetched'
const current = 'refs/mooring/current'

/** More than the list of any sensible repository has. They limit the memory for one. */
const listLimits = { maxBytes: 64 * 2 ** 20, maxLines: 200_000 }

/**
 * Opens the copy, or makes it. Only one process may use it: what a killed git left is removed.
 * @param directory for this source only
 */
export async function openGitRepository(options: {
  readonly address: GitAddress
  readonly directory: string
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
  /** Another copy, whose chosen commit a new one begins with. Nothing is written there. */
  readonly earlier?: string
}): Promise<GitRepository> {
  const { address, directory, environment } = options
  const git = (signal: AbortSignal, more: Partial<GitCommandOptions> = {}) =>
    createGit({ directory, environment, signal, ...more })
  const readBytes = (signal: AbortSignal, ...parameters: string[]) =>
    readGit({ directory, environment, signal, config: ['core.quotePath=true'] }, parameters, listLimits).then(
      (bytes) => bytes.toString('latin1'),
    )

  /** @param ref in the repository; a commit's hash, too, where its server allows that */
  async function fetchInto(
    at: string,
    ref: string,
    target: string,
    signal: AbortSignal,
    from: Pick<GitAddress, 'protocol' | 'url' | 'credentials'> = address,
  ): Promise<void> {
    const fetching = ['fetch', '--progress', '--depth=1', '--no-tags', '--no-recurse-submodules']
    await git(signal, { directory: at, variables: transportVariables(from) }).raw(
      ...fetching,
      ...['--no-write-fetch-head', '--end-of-options', from.url, `+${ref}:${target}`],
    )
  }

  /** Fetches the branch, or the tag of that name where there is no such branch. */
  async function fetchRef(at: string, signal: AbortSignal): Promise<void> {
    const [first = 'HEAD', ...others] = refsOf(address.branch)
    try {
      return await fetchInto(at, first, fetched, signal)
    } catch (error) {
      if (!/couldn't find remote ref/.test(String(error))) throw error
      for (const ref of others) {
        const isThere = await fetchInto(at, ref, fetched, signal).then(
          () => true,
          () => false,
        )
        if (isThere) return
      }
      throw error
    }
  }

  /** Makes an empty copy; it does nothing to an existing one. */
  async function prepare(at: string, signal: AbortSignal, format?: string): Promise<void> {
    await mkdir(at, { recursive: true, mode: 0o700 })
    const formats = format === undefined ? [] : [`--object-format=${format}`]
    await git(signal, { directory: at }).raw('init', '--quiet', '--bare', '--template=', ...formats)
  }

  /** Fetches into a new copy. What the repository says of its hashes decides how it is made. */
  async function renew(signal: AbortSignal, format?: string): Promise<void> {
    const fresh = `${directory}.new`
    await rm(fresh, { recursive: true, force: true })
    const before = await chosenIn(directory, signal).catch(() => undefined)
    await prepare(fresh, signal, format)
    await fetchRef(fresh, signal)
    // What the next commit deletes is seen by comparing it with this one. Not every server gives it out by its hash.
    if (before !== undefined) await fetchInto(fresh, before, current, signal).catch(() => {})
    await rm(directory, { recursive: true, force: true })
    await rename(fresh, directory)
  }

  async function chosenIn(at: string, signal: AbortSignal): Promise<string | undefined> {
    const found = await git(signal, { directory: at }).raw('for-each-ref', '--format=%(objectname)', current)
    return found.trim() === '' ? undefined : found.trim()
  }

  await mkdir(directory, { recursive: true, mode: 0o700 })
  await removeLeftovers(directory)
  try {
    await prepare(directory, options.signal)
  } catch (error) {
    if (!isDamage(error)) throw error
    await rm(directory, { recursive: true, force: true })
    await prepare(directory, options.signal)
  }

  if (options.earlier !== undefined && (await chosenIn(directory, options.signal)) === undefined) {
    const from = {
      protocol: 'file',
      url: pathToFileURL(options.earlier).href,
      credentials: undefined,
    } as const
    // Without it, whatever is gone is in doubt.
    await fetchInto(directory, current, current, options.signal, from).catch(() => {})
  }

  return {
    async fetch(signal) {
      try {
        await fetchRef(directory, signal)
      } catch (error) {
        await removeLeftovers(directory)
        const { server } = /algorithms: client \w+; server (?<server>\w+)/.exec(String(error))?.groups ?? {}
        if (server === undefined) throw error
        await renew(signal, server)
      }
      return (await git(signal).raw('rev-parse', '--verify', `${fetched}^{commit}`)).trim()
    },
    async renew(signal) {
      const format = (
        await git(signal)
          .raw('rev-parse', '--show-object-format')
          .catch(() => '')
      ).trim()
      await renew(signal, format === '' ? undefined : format)
    },
    async changes(older, newer, signal) {
      const output = await readBytes(
        signal,
        // Without a limit of the number of renames: a rename that is not found would be a removal.
        ...['diff-tree', '-r', '--raw', '--no-abbrev', '-M', '-l0', '--no-commit-id', older, newer],
      )
      return parseChanges(output)
    },
    chosen: (signal) => chosenIn(directory, signal),
    async choose(commit, signal) {
      await git(signal).raw('update-ref', current, commit)
    },
    async resolve(commit, paths, signal) {
      if (paths.length === 0) return []
      // One path per line. No file has a path with a line break here.
      const asked = paths.map((path) => `${commit}:${path.includes('\n') ? '\\' : path}`)
      const output = await git(signal, { input: `${asked.join('\n')}\n` }).raw(
        'cat-file',
        '--batch-check=%(objecttype) %(objectname) %(objectsize)',
        '--follow-symlinks',
      )
      return parseResolved(output)
    },
    async list(treeID, signal) {
      const output = await readBytes(signal, 'ls-tree', '-r', '-t', '-l', '--full-tree', treeID)
      return output.split('\n').filter(Boolean).map(parseEntry)
    },
    async read(objectIDs, signal) {
      if (objectIDs.length === 0) return new Map()
      const output = await git(signal, { input: `${objectIDs.join('\n')}\n` }).binaryCatFile(['--batch'])
      return parseBatch(output)
    },
    async verify(commit, signers, signal) {
      await git(signal, {
        variables: { GNUPGHOME: signers.gnupgHome },
        config: [
          `gpg.ssh.allowedSignersFile=${signers.allowedSignersFile}`,
          'gpg.ssh.revocationFile=',
          'gpg.minTrustLevel=undefined',
        ],
      }).raw('verify-commit', commit)
    },
  }
}

/** Locks, and packs that were never finished. */
async function removeLeftovers(directory: string): Promise<void> {
  const names = await readdir(directory, { recursive: true })
  const isLeft = (name: string) => name.endsWith('.lock') || basename(name).startsWith('tmp_')
  for (const name of names.filter(isLeft)) await rm(join(directory, name), { recursive: true, force: true })
}

/** The refs of what a person wrote after `#`, in the order in which they count. */
function refsOf(branch: string | undefined): string[] {
  if (branch === undefined) return ['HEAD']
  if (branch.startsWith('refs/') || /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(branch)) return [branch]
  return [`refs/heads/${branch}`, `refs/tags/${branch}`]
}

/** The password is passed in the environment: other users see the arguments of a process, and git stores URLs. */
function transportVariables({
  protocol,
  url,
  credentials,
}: Pick<GitAddress, 'protocol' | 'url' | 'credentials'>): Record<string, string> {
  const variables = { GIT_ALLOW_PROTOCOL: protocol }
  if (credentials === undefined) return variables
  const token = Buffer.from(`${credentials.user}:${credentials.password}`).toString('base64')
  return {
    ...variables,
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: `http.${new URL(url).origin}/.extraHeader`,
    GIT_CONFIG_VALUE_0: `Authorization: Basic ${token}`,
  }
}

function parseEntry(line: string): GitEntry {
  const match = /^(?<mode>\d+) (?<type>\w+) (?<objectID>[0-9a-f]+) +(?<size>\d+|-)\t(?<path>.*)$/s.exec(line)
  const { mode, type, objectID = '', size = '', path = '' } = match?.groups ?? {}
  const kind =
    type === 'tree' ? 'folder' : type === 'commit' ? 'submodule' : mode === '120000' ? 'link' : 'file'
  const { name, misnamed } = readName(unquote(path))
  return {
    kind,
    objectID,
    sizeBytes: Number(size) || 0,
    path: name,
    ...(misnamed === undefined ? {} : { misnamed }),
  }
}

/** Git writes a path with quotes where it has a byte that is not plain ASCII. */
function unquote(path: string): Uint8Array {
  if (!path.startsWith('"')) return Buffer.from(path, 'latin1')
  const letters: Record<string, string> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }
  const text = path
    .slice(1, -1)
    .replace(/\\(?:([0-7]{3})|(.))/gs, (_, octal: string | undefined, letter: string) =>
      octal === undefined ? (letters[letter] ?? letter) : String.fromCharCode(Number.parseInt(octal, 8)),
    )
  return Buffer.from(text, 'latin1')
}

const isPlainFile = (mode: string) => mode.startsWith('100')

/** Reads what `git diff-tree --raw` prints: a line for each file, with two paths where it was renamed. */
function parseChanges(output: string): GitChanges {
  const lines = output.split('\n').flatMap((line) => {
    const match =
      /^:(?<before>\d+) (?<after>\d+) \S+ (?<objectID>\S+) (?<status>[A-Z])\d*\t(?<paths>.*)$/.exec(line)
    if (match?.groups === undefined) return []
    const { before = '', after = '', objectID = '', status = '', paths = '' } = match.groups
    const [path = '', to] = paths.split('\t').map((each) => readName(unquote(each)).name)
    return [{ before, after, objectID, status, path, to }]
  })
  /** What stands at a path now where nothing or something else stood, with the folders that came. */
  const come = new Map<string, string>()
  const comeFolders = new Set<string>()
  for (const { after, status, path, to = path } of lines) {
    if (status === 'D' || status === 'M') continue
    come.set(to, after === '160000' ? 'a submodule' : after === '120000' ? 'a link' : 'another file')
    for (const folder of foldersAround(to)) comeFolders.add(folder)
  }
  const removed = new Set<string>()
  const changed = new Map<string, GitFileChange>()
  for (const { before, objectID, status, path, to = path } of lines) {
    const standing = [path, ...foldersAround(path)].find((each) => come.has(each))
    if (standing !== undefined) changed.set(path, { what: `has ${come.get(standing)} at ${standing}` })
    else if (comeFolders.has(path)) changed.set(path, { what: `has a folder at ${path}` })
    else if (status === 'R')
      changed.set(path, { what: `renames ${path} to ${to}`, to: { path: to, objectID } })
    else if (status === 'D' && isPlainFile(before)) removed.add(path)
  }
  return { removed, changed }
}

function foldersAround(path: string): string[] {
  const parts = path.split('/')
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'))
}

/** For a link out of the repository, or to nothing, git answers `symlink <length>` or similar, and then the target. */
function parseResolved(output: string) {
  const results: ({ kind: 'file' | 'folder'; objectID: string; sizeBytes: number } | undefined)[] = []
  for (let at = 0; at < output.length; ) {
    const end = output.indexOf('\n', at)
    const line = output.slice(at, end < 0 ? output.length : end)
    at = end < 0 ? output.length : end + 1
    const unfollowed = /^(?:symlink|dangling|loop|notdir) (\d+)$/.exec(line)
    // The length is in bytes.
    if (unfollowed !== null) at += textLength(output.slice(at), Number(unfollowed[1])) + 1
    const found = /^(?<type>blob|tree) (?<objectID>[0-9a-f]{40,64}) (?<size>\d+)$/.exec(line)?.groups
    results.push(
      found === undefined
        ? undefined
        : {
            kind: found.type === 'tree' ? 'folder' : 'file',
            objectID: found.objectID ?? '',
            sizeBytes: Number(found.size),
          },
    )
  }
  return results
}

/** The length of the first bytes of the text, in UTF-16 units. */
function textLength(text: string, bytes: number): number {
  return Buffer.from(text).subarray(0, bytes).toString().length
}

function parseBatch(output: Buffer): Map<string, Uint8Array> {
  const contents = new Map<string, Uint8Array>()
  for (let at = 0; at < output.length; ) {
    const end = output.indexOf('\n', at)
    const [objectID = '', type, size] = output.toString('latin1', at, end).split(' ')
    at = end + 1
    if (type !== 'blob') continue
    contents.set(objectID, output.subarray(at, at + Number(size)))
    at += Number(size) + 1
  }
  return contents
}

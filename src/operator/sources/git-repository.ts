import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { GitAddress } from './git-address.ts'
import { createGit, type GitCommandOptions } from './git-command.ts'

/** A file, folder, link or submodule of a commit. */
export interface GitEntry {
  readonly kind: 'file' | 'link' | 'folder' | 'submodule'
  readonly objectID: string
  readonly sizeBytes: number
  /** The path beneath the listed folder, with forward slashes. */
  readonly path: string
}

/** A shallow copy of one branch, without files. Objects are read from git's own storage. */
export interface GitRepository {
  /** Fetches the newest commit of the branch. Resolves with its full hash. */
  fetch(signal: AbortSignal): Promise<string>
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

/**
 * Opens the copy, or makes it. Only one process may use it: locks of a killed git are removed.
 * @param directory for this source only
 */
export async function openGitRepository(options: {
  readonly address: GitAddress
  readonly directory: string
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
}): Promise<GitRepository> {
  const { address, directory, environment } = options
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await removeLocks(directory)
  const git = (signal: AbortSignal, more: Partial<GitCommandOptions> = {}) =>
    createGit({ directory, environment, signal, ...more })
  // It does nothing to an existing repository.
  await git(options.signal).raw('init', '--quiet', '--bare', '--template=')

  return {
    async fetch(signal) {
      const ref = refOf(address.branch)
      await git(signal, { variables: transportVariables(address) }).raw(
        ...[
          'fetch',
          '--progress',
          '--depth=1',
          '--no-tags',
          '--no-recurse-submodules',
          '--no-write-fetch-head',
        ],
        ...['--end-of-options', address.url, `+${ref}:${fetched}`],
      )
      return (await git(signal).raw('rev-parse', '--verify', `${fetched}^{commit}`)).trim()
    },
    async chosen(signal) {
      const found = await git(signal).raw('for-each-ref', '--format=%(objectname)', current)
      return found.trim() === '' ? undefined : found.trim()
    },
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
      const output = await git(signal).raw('ls-tree', '-r', '-t', '-l', '-z', '--full-tree', treeID)
      return output.split('\0').filter(Boolean).map(parseEntry)
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

async function removeLocks(directory: string): Promise<void> {
  const names = await readdir(directory, { recursive: true })
  for (const name of names.filter((each) => each.endsWith('.lock'))) await rm(join(directory, name))
}

function refOf(branch: string | undefined): string {
  if (branch === undefined) return 'HEAD'
  return branch.startsWith('refs/') ? branch : `refs/heads/${branch}`
}

/** The password is passed in the environment: other users see the arguments of a process, and git stores URLs. */
function transportVariables({ protocol, url, credentials }: GitAddress): Record<string, string> {
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
  return { kind, objectID, sizeBytes: Number(size) || 0, path }
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

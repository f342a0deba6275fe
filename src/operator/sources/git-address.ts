import { UsageError } from '../../lib/errors.ts'

/** Which folder or file of which Git repository. */
export interface GitAddress {
  /** As a person wrote it, without user and password, for messages, places and the inventory. */
  readonly name: string
  /** The URL for git, without a password. */
  readonly url: string
  readonly protocol: 'https' | 'ssh' | 'file'
  /** The name of a branch, or a full ref; undefined for the default branch. */
  readonly branch: string | undefined
  /** A folder or file in the repository, without slashes around it. Empty for the whole repository. */
  readonly path: string
  /** Only for https: user and password from before the host. */
  readonly credentials: { readonly user: string; readonly password: string } | undefined
}

export const isGitAddress = (text: string) => /^git\+/i.test(text)

/** What to write for an address of a repository as other tools write it; undefined if the text is none. */
export function guessGitAddress(text: string): string | undefined {
  const plain = text.replace(/^git::/, '')
  const [, user, host, path] = /^(?:([\w.-]+)@)?([\w-]+(?:\.[\w-]+)+):(?!\/\/)(.+)$/.exec(plain) ?? []
  if (user !== undefined && host !== undefined) return `git+ssh://${user}@${host}/${path}`
  if (/^(?:https|ssh|file):\/\//i.test(plain)) return `git+${plain}`
  if (/^(?:http|git):\/\//i.test(plain)) return `git+${plain.replace(/^\w+:/, 'https:')}`
  return plain === text ? undefined : 'git+https://…'
}

/**
 * Parses `git+https://host/repository.git#branch:path`, `git+ssh://…` or `git+file:///…`. Branch and path are optional.
 * @throws UsageError that says what to write, and quotes nothing that may be a password
 */
export function parseGitAddress(text: string): GitAddress {
  const url = URL.parse(text.replace(/^git\+/i, ''))
  const protocol = url?.protocol.slice(0, -1)
  if (url === null || (protocol !== 'https' && protocol !== 'ssh' && protocol !== 'file')) {
    throw new UsageError(
      'a Git repository is git+https://…, git+ssh://… or git+file:///…, with #branch:path at its end where it is not all of the default branch',
    )
  }
  const fragment = decode(url.hash.slice(1))
  const colon = fragment.indexOf(':')
  const branch = colon < 0 ? fragment : fragment.slice(0, colon)
  const path = (colon < 0 ? '' : fragment.slice(colon + 1)).replace(/^\/+|\/+$/g, '')
  // What git check-ref-format refuses, where it could mean something else to git.
  if (/^-|\.\.|[\s\p{Cc}~^?*[\\]|@\{|\/$|\.lock$/u.test(branch)) {
    throw new UsageError(`${JSON.stringify(branch)} cannot be the name of a branch`)
  }
  if (
    path !== '' &&
    path.split('/').some((part) => ['', '.', '..', '.git'].includes(part) || /\p{Cc}/u.test(part))
  ) {
    throw new UsageError(
      `${JSON.stringify(path)} is no path in a repository: write it from the root, without ..`,
    )
  }
  const { username, password, search } = url
  url.hash = ''
  url.password = ''
  if (protocol === 'https') url.username = ''
  const suffix = fragment === '' ? '' : `#${branch}${path === '' ? '' : `:${path}`}`
  return {
    name: `git+${url.href.slice(0, url.href.length - search.length)}${suffix}`,
    url: url.href,
    protocol,
    branch: branch === '' ? undefined : branch,
    path,
    credentials:
      protocol === 'https' && (username !== '' || password !== '')
        ? { user: decode(username), password: decode(password) }
        : undefined,
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // A % without two hex digits is just a %.
    return text
  }
}

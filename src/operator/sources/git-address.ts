import { UsageError } from '../../lib/errors.ts'

/** Where in which Git repository declarations are. */
export interface GitAddress {
  /** As the person wrote it, without user and password: what messages, places and the inventory show. */
  readonly name: string
  /** For git, without a password. */
  readonly url: string
  readonly protocol: 'https' | 'ssh' | 'file'
  /** A branch's name or a full ref; undefined: the repository's default branch. */
  readonly branch: string | undefined
  /** Folder or file in the repository, without slashes around it; empty: all of it. */
  readonly path: string
  /** For https: what stood before the host. */
  readonly credentials: { readonly user: string; readonly password: string } | undefined
}

export const isGitAddress = (text: string) => /^git\+/i.test(text)

/**
 * Reads `git+https://host/repository.git#branch:path`, `git+ssh://…` or `git+file:///…`; branch and path
 * may each be left out.
 * @throws UsageError that says what to write instead, and quotes nothing that may be a password
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
  // What git check-ref-format refuses, as far as it could mean something else to git.
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
    // A lone % stands for itself.
    return text
  }
}

/**
 * A path as Go's mux wants it: one slash where several stand, and no `.` and `..`. undefined: it is so already. What
 * is percent-encoded stays as it is.
 */
export function cleanPath(path: string): string | undefined {
  if (!/\/(?:\/|\.\.?(?:\/|$))/.test(path)) return undefined
  const segments: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop()
    else if (segment !== '' && segment !== '.') segments.push(segment)
  }
  const isFolder = /\/\.{0,2}$/.test(path) && segments.length > 0
  return `/${segments.join('/')}${isFolder ? '/' : ''}`
}

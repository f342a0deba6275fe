/** The kernel allows no longer path for a unix socket (107 bytes and a terminating zero). */
const longestSocketPathBytes = 107

export function fitsSocketPath(path: string): boolean {
  return Buffer.byteLength(path) <= longestSocketPathBytes
}

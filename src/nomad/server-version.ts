/** What depends on the release of Nomad's servers. */

type Version = readonly [major: number, minor: number, patch: number]

function parseVersion(text: string): Version | undefined {
  const match = /^v?(\d+)\.(\d+)\.(\d+)(?:[-+]|$)/.exec(text)
  return match ? [Number(match[1]), Number(match[2]), Number(match[3])] : undefined
}

function isAtLeast(version: Version, least: Version): boolean {
  for (const [index, number] of least.entries()) {
    const own = version[index] ?? 0
    if (own !== number) return own > number
  }
  return true
}

/**
 * Whether a server of this version may erase the stored secrets of a volume when somebody reads the volume or follows
 * its events (Nomad's changelog, GH-27176: fixed in 1.10.7 and 1.11.1; seen with events on 1.10.4). An unknown version
 * counts as yes.
 */
export function losesSecrets(version: string): boolean {
  const parsed = parseVersion(version)
  if (parsed === undefined) return true
  const isFixed =
    isAtLeast(parsed, [1, 11, 1]) || (isAtLeast(parsed, [1, 10, 7]) && !isAtLeast(parsed, [1, 11, 0]))
  return !isFixed
}

/** What of Nomad depends on the release of its servers. */

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
 * Whether a server may erase the secrets that it stores of a volume when somebody follows its events, or reads it
 * (Nomad's changelog, GH-27176: mended in 1.11.1 and 1.10.7; seen with 1.10.4 by events). So may one whose version is
 * not known.
 */
export function losesSecrets(version: string): boolean {
  const parsed = parseVersion(version)
  if (parsed === undefined) return true
  const isMended =
    isAtLeast(parsed, [1, 11, 1]) || (isAtLeast(parsed, [1, 10, 7]) && !isAtLeast(parsed, [1, 11, 0]))
  return !isMended
}

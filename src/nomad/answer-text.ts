/** The error of a CSI plugin, taken from the gRPC status at the end of Nomad's error text. */
export interface PluginError {
  /** The gRPC code as Go names it: `NotFound`. */
  readonly code: string
  /** The plugin's own words. */
  readonly description: string
}

/**
 * The last gRPC status in an error text; undefined where there is none. Each server on the way may wrap the error in
 * a status of its own, so the last one is the plugin's. Nomad's own words before it are wrong for half of the causes:
 * they mention a snapshot source where none was requested.
 */
export function parsePluginError(text: string): PluginError | undefined {
  const marks = [...text.matchAll(/rpc error: code = (\w+) desc = /g)]
  const last = marks.at(-1)
  if (!last?.[1]) return undefined
  return { code: last[1], description: toOneLine(text.slice(last.index + last[0].length)) }
}

const longestMessage = 500

/**
 * An error text on one line: without the bullets of a Go multi-error and the prefixes of each server on the way, and
 * cut at 500 characters.
 */
export function toOneLine(text: string): string {
  const line = text
    .replace(/\d+ errors? occurred:\s*(\* )?/g, '')
    .split('\n')
    .map((part) => part.replace(/^\s*(\* )?/, '').trim())
    .filter((part) => part !== '')
    .join('; ')
    .replace(/^(RPC Error:: \d+,|rpc error: (?!code =))+/g, '')
    .replace(/\s+/g, ' ')
  return line.length > longestMessage ? `${line.slice(0, longestMessage - 1)}…` : line
}

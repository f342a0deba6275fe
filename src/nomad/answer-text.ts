/** What is left of a CSI plugin's error in the text of an answer: the gRPC status at its tail. */
export interface PluginError {
  /** gRPC code as Go names it, such as `NotFound`. */
  readonly code: string
  /** The plugin's own words. */
  readonly description: string
}

/**
 * The innermost gRPC status in an error text, if a plugin's error is in it. Nomad puts words of its own
 * before it that are wrong for half of the causes (a "snapshot source" where none was asked for), and
 * each hop may wrap it once more, so the last one is the plugin's.
 */
export function parsePluginError(text: string): PluginError | undefined {
  const marks = [...text.matchAll(/rpc error: code = (\w+) desc = /g)]
  const last = marks.at(-1)
  if (!last?.[1]) return undefined
  return { code: last[1], description: toOneLine(text.slice(last.index + last[0].length)) }
}

const longestMessage = 500

/**
 * An error text as one line that a person can read: without the list of a Go multi-error, the prefixes
 * that each server hop adds, and what goes beyond 500 characters.
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

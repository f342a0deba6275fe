/** What stands in the place of a secret, as in the logs of the CSI sidecars (csi-lib-utils, protosanitizer). */
export const stripped = '***stripped***'

/** A secret's name (`''`: it has none) and its value. */
export type NamedSecret = readonly [name: string, value: string]

/** A secret of fewer characters stands in any text by chance: without it everywhere, nobody could read the text. */
const shortestPlain = 3

/** A text without the secrets that it repeats, be it with or without the escapes of JSON. */
export function redactSecrets(text: string, secrets: Iterable<NamedSecret>): string {
  return (
    [...secrets]
      .filter(([, value]) => value !== '')
      .flatMap(([name, value]): NamedSecret[] => [
        [name, value],
        [name, JSON.stringify(value).slice(1, -1)],
      ])
      // The longest first, so that a secret that contains another one goes as a whole.
      .sort(([, one], [, other]) => other.length - one.length)
      .reduce(
        (redacted, [name, value]) =>
          value.length < shortestPlain
            ? stripShort(redacted, name, value)
            : redacted.replaceAll(value, stripped),
        text,
      )
  )
}

/** Takes a short secret out where it stands in quotes, or after its name: `pin=7`, `"pin":"7"`, `pin: 7`. */
function stripShort(text: string, name: string, value: string): string {
  const secret = RegExp.escape(value)
  const quoted = text.replace(new RegExp(`(["'\`])${secret}\\1`, 'g'), `$1${stripped}$1`)
  if (name === '') return quoted
  const named = `(${RegExp.escape(name)}["'\`]?\\s*[=:]\\s*["'\`]?)${secret}(?![\\p{L}\\p{N}_])`
  return quoted.replace(new RegExp(named, 'giu'), `$1${stripped}`)
}

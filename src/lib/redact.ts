/** What stands in the place of a secret, as in the logs of the CSI sidecars (csi-lib-utils, protosanitizer). */
export const stripped = '***stripped***'

/** A text without the secrets that it repeats, be it with or without the escapes of JSON. */
export function redactSecrets(text: string, secrets: Iterable<string>): string {
  return (
    [...secrets]
      .filter((secret) => secret !== '')
      .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)])
      // The longest first, so that a secret that contains another one goes as a whole.
      .sort((one, other) => other.length - one.length)
      .reduce((redacted, secret) => redacted.replaceAll(secret, stripped), text)
  )
}

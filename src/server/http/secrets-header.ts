import type { IncomingHttpHeaders } from 'node:http'
import type { StringMap } from '../state/records.ts'

/**
 * X-Nomad-CSI-Secrets as Nomad reads it: `key=value` pairs between commas, the first `=` divides, the last of
 * equal keys wins, and a part without `=` is dropped.
 */
export function parseSecretsHeader(headers: IncomingHttpHeaders): StringMap {
  const text = String(headers['x-nomad-csi-secrets'] ?? '')
  return Object.fromEntries(
    text.split(',').flatMap((part) => {
      const divider = part.indexOf('=')
      return divider < 0 ? [] : [[part.slice(0, divider), part.slice(divider + 1)]]
    }),
  )
}

import { OperationError } from '../lib/errors.ts'

/** The header for the secrets of a delete. */
export const secretsHeaderName = 'x-nomad-csi-secrets'

/**
 * `k=v,k2=v2`; undefined where there are no secrets. Nomad splits at every comma and at the first `=`, knows no escapes,
 * and silently drops what it cannot read (command/agent/csi_endpoint.go). So this refuses a secret that would not
 * arrive whole.
 * @throws OperationError `permanent`, naming the key and never the value
 */
export function formatSecretsHeader(secrets: Readonly<Record<string, string>>): string | undefined {
  const pairs = Object.entries(secrets).map(([key, value]) => {
    if (!isSendable(key) || key === '' || key.includes('=') || !isSendable(value)) {
      throw new OperationError(
        `the secret ${JSON.stringify(key)} cannot be sent with a delete: Nomad's header allows only printable ASCII without commas, without "=" in a key, and without a space at either end. Give the secret to the volume instead (spec.secrets); Nomad then uses the one it has stored`,
        { kind: 'permanent', reason: 'SecretNotSendable' },
      )
    }
    return `${key}=${value}`
  })
  return pairs.length > 0 ? pairs.join(',') : undefined
}

function isSendable(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text) && !text.includes(',') && text === text.trim()
}

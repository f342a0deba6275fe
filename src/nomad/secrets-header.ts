import { OperationError } from '../lib/errors.ts'

/** The header in which Nomad takes the secrets of a delete. */
export const secretsHeaderName = 'x-nomad-csi-secrets'

/**
 * `k=v,k2=v2`, or undefined without secrets. Nomad splits at every comma and at the first `=`, knows no
 * escapes and drops what it cannot read without a word (command/agent/csi_endpoint.go), so that a
 * secret which does not survive this is refused here.
 * @throws OperationError `permanent`, naming the key and never the value
 */
export function formatSecretsHeader(secrets: Readonly<Record<string, string>>): string | undefined {
  const pairs = Object.entries(secrets).map(([key, value]) => {
    if (!isSendable(key) || key === '' || key.includes('=') || !isSendable(value)) {
      throw new OperationError(
        `the secret ${JSON.stringify(key)} cannot be sent with a delete: Nomad's header for it takes printable ASCII without commas, no "=" in a key, and no space at either end. Keep it on the volume instead (spec.secrets), from where Nomad takes it`,
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

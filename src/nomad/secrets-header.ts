import { OperationError } from '../lib/errors.ts'
import { advise } from '../lib/reasons/explanation.ts'
import { reasons } from '../lib/reasons/reasons.ts'

/** The header for the secrets of a delete. */
export const secretsHeaderName = 'x-nomad-csi-secrets'

/** Without the secrets that the header cannot carry: Nomad has those of a volume stored. */
export function sendableSecrets(secrets: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(secrets).filter(([key, value]) => isSendableKey(key) && isSendable(value)),
  )
}

/**
 * `k=v,k2=v2`; undefined where there are no secrets. Nomad splits at every comma and at the first `=`, knows no escapes,
 * and silently drops what it cannot read (command/agent/csi_endpoint.go). So this refuses a secret that would not
 * arrive whole.
 * @throws OperationError `permanent`, naming the key and never the value
 */
export function formatSecretsHeader(secrets: Readonly<Record<string, string>>): string | undefined {
  const pairs = Object.entries(secrets).map(([key, value]) => {
    if (!isSendableKey(key) || !isSendable(value)) {
      throw new OperationError(
        `the secret ${JSON.stringify(key)} cannot be sent with a delete: Nomad's header allows only printable ASCII without commas, without "=" in a key, and without a space at either end. ${advise(reasons.SecretNotSendable.person.change())}`,
        { kind: 'permanent', reason: 'SecretNotSendable' },
      )
    }
    return `${key}=${value}`
  })
  return pairs.length > 0 ? pairs.join(',') : undefined
}

function isSendableKey(key: string): boolean {
  return key !== '' && !key.includes('=') && isSendable(key)
}

function isSendable(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text) && !text.includes(',') && text === text.trim()
}

import { readFile, realpath } from 'node:fs/promises'
import { resolve, sep } from 'node:path'
import type { Place } from '../declare/declaration.ts'
import type { SecretReference } from '../declare/secret-reference.ts'
import { errorCode, OperationError } from '../lib/errors.ts'
import type { SecretResolver } from '../plan/ports.ts'
import type { KeptSecrets } from './kept-secrets.ts'

const lookAgainMs = 30_000

/**
 * Resolves secrets from the environment (`MOORING_SECRET_*` only), from files beneath one directory, and
 * from what the sources keep of Nomad's own specification files.
 * @param secretsDirectory absent: no declaration may name a file
 */
export function createSecretResolver(options: {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly secretsDirectory?: string
  readonly kept: Pick<KeptSecrets, 'get'>
  /** One value of a Secret of Kubernetes; undefined: it is not there. Absent: there is no Kubernetes. */
  readonly readSecret?: (namespace: string, name: string, key: string) => Promise<string | undefined>
}): SecretResolver {
  return {
    async resolve(references, place) {
      const values: Record<string, string> = {}
      for (const [name, reference] of Object.entries(references)) {
        values[name] = await resolveOne(name, reference, place, options)
      }
      return values
    },
  }
}

async function resolveOne(
  name: string,
  reference: SecretReference,
  { object }: Place,
  { environment, secretsDirectory, kept, readSecret }: Parameters<typeof createSecretResolver>[0],
): Promise<string> {
  const missing = (what: string) =>
    new OperationError(`spec.secrets.${name}: ${what}`, {
      kind: 'waiting',
      reason: 'SecretNotFound',
      retryAfterMs: lookAgainMs,
    })
  if ('fromEnv' in reference) {
    const value = reference.fromEnv.startsWith('MOORING_SECRET_') ? environment[reference.fromEnv] : undefined
    if (value === undefined)
      throw missing(`the environment has no variable ${reference.fromEnv}; set it and restart mooring`)
    return value
  }
  if ('fromSpecification' in reference) {
    const value = kept.get(reference)
    if (value === undefined)
      throw missing('its value stands in a specification file, which was not read since mooring started')
    return value
  }
  if ('fromSecret' in reference) {
    if (object === undefined || readSecret === undefined)
      throw missing('fromSecret names a Secret of Kubernetes, and the declaration is no object there')
    const { name: secret, key } = reference.fromSecret
    const value = await readSecret(object.namespace, secret, key)
    if (value === undefined)
      throw missing(
        `Secret "${secret}" in namespace "${object.namespace}" is not there, or has no key "${key}"`,
      )
    return value
  }
  // Checked when the object was read; here it keeps a place from what is not its own.
  if (object !== undefined) throw missing('an object reaches Secrets of its own namespace and nothing else')
  if (secretsDirectory === undefined) {
    throw missing(`file "${reference.fromFile}" is named, and mooring runs without --secrets-dir`)
  }
  try {
    const root = await realpath(secretsDirectory)
    const path = await realpath(resolve(root, reference.fromFile))
    // A symbolic link may be how a secret is mounted, but never a way out of the directory.
    if (!path.startsWith(root + sep))
      throw missing(`file "${reference.fromFile}" is not beneath --secrets-dir`)
    return (await readFile(path, 'utf8')).replace(/\r?\n$/, '')
  } catch (error) {
    if (error instanceof OperationError) throw error
    throw missing(
      `file "${reference.fromFile}" beneath --secrets-dir cannot be read (${errorCode(error) ?? 'unknown error'})`,
    )
  }
}

import { readFile, realpath } from 'node:fs/promises'
import { resolve, sep } from 'node:path'
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
}): SecretResolver {
  return {
    async resolve(references) {
      const values: Record<string, string> = {}
      for (const [name, reference] of Object.entries(references)) {
        values[name] = await resolveOne(name, reference, options)
      }
      return values
    },
  }
}

async function resolveOne(
  name: string,
  reference: SecretReference,
  { environment, secretsDirectory, kept }: Parameters<typeof createSecretResolver>[0],
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
  if ('fromSecret' in reference)
    throw missing('fromSecret names a Secret of Kubernetes, and the declaration is no object there')
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

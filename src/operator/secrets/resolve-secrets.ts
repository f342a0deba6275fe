import { readFile, realpath } from 'node:fs/promises'
import { resolve, sep } from 'node:path'
import { errorCode, OperationError } from '../../lib/errors.ts'
import type { ObjectIdentity } from '../declare/declaration.ts'
import type { SecretReference } from '../declare/secret-reference.ts'
import type { SecretResolver } from '../plan/ports.ts'
import type { KeptSecrets } from './kept-secrets.ts'

const lookAgainMs = 30_000

/** Beneath it the variables of a Nomad namespace's declarations: whoever declares there may name no others. */
export const variablesPrefix = 'mooring/secrets/'

/**
 * Resolves secrets from the environment (`MOORING_SECRET_*` only), from files beneath one directory, from
 * Nomad Variables beneath `mooring/secrets/<Nomad namespace>/`, and from what the sources keep of Nomad's own
 * specification files.
 * @param secretsDirectory absent: no declaration may name a file
 * @param readVariable items of the variable at a path; undefined: there is none
 */
export function createSecretResolver(options: {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly secretsDirectory?: string
  readonly kept: Pick<KeptSecrets, 'get'>
  /** One value of a Secret of Kubernetes; undefined: it is not there. Absent: there is no Kubernetes. */
  readonly readSecret?: (namespace: string, name: string, key: string) => Promise<string | undefined>
  readonly readVariable: (path: string) => Promise<Readonly<Record<string, string>> | undefined>
}): SecretResolver {
  return {
    async resolve(references, namespace, object) {
      const values: Record<string, string> = {}
      for (const [name, reference] of Object.entries(references)) {
        values[name] = await resolveOne(name, reference, { namespace, object }, options)
      }
      return values
    },
  }
}

async function resolveOne(
  name: string,
  reference: SecretReference,
  { namespace, object }: { readonly namespace: string; readonly object: ObjectIdentity | undefined },
  {
    environment,
    secretsDirectory,
    kept,
    readSecret,
    readVariable,
  }: Parameters<typeof createSecretResolver>[0],
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
  if ('fromVariable' in reference) {
    const { path, item } = reference.fromVariable
    const whole = `${variablesPrefix}${namespace}/${path}`
    const value = (await readVariable(whole))?.[item]
    if (value === undefined) throw missing(`there is no Nomad Variable "${whole}" with an item "${item}"`)
    return value
  }
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

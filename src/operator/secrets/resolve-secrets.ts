import { readFile, realpath } from 'node:fs/promises'
import { resolve, sep } from 'node:path'
import { errorCode, OperationError } from '../../lib/errors.ts'
import { advise } from '../../lib/reasons/explanation.ts'
import { reasons } from '../../lib/reasons/reasons.ts'
import type { ObjectIdentity } from '../declare/declaration.ts'
import type { SecretReference } from '../declare/secret-reference.ts'
import type { SecretResolver } from '../plan/ports.ts'
import type { SpecificationSecrets } from './specification-secrets.ts'

const lookAgainMs = 30_000

/** A declaration may name only Variables beneath this prefix and its own Nomad namespace. */
export const variablesPrefix = 'mooring/secrets/'

/**
 * Resolves the secrets of a declaration: from the environment (only `MOORING_SECRET_*`), from files beneath one directory,
 * from Nomad Variables beneath `mooring/secrets/<Nomad namespace>/`, from Secrets of Kubernetes, and from Nomad's own
 * specification files.
 * @param secretsDirectory absent: no declaration may name a file
 * @param readVariable the items of the Variable at a path; undefined: there is none
 */
export function createSecretResolver(options: {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly secretsDirectory?: string
  readonly specificationSecrets: Pick<SpecificationSecrets, 'get'>
  /** One value of a Kubernetes Secret; undefined: there is none. Absent where no Kubernetes is used. */
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
    specificationSecrets,
    readSecret,
    readVariable,
  }: Parameters<typeof createSecretResolver>[0],
): Promise<string> {
  const { setVariable, makeReadable, useOther, useSecret, secretsDir } = reasons.SecretNotFound.person
  const missing = (what: string) =>
    new OperationError(`spec.secrets.${name}: ${what}`, {
      kind: 'waiting',
      reason: 'SecretNotFound',
      retryAfterMs: lookAgainMs,
    })
  if ('fromEnv' in reference) {
    const value = reference.fromEnv.startsWith('MOORING_SECRET_') ? environment[reference.fromEnv] : undefined
    if (value === undefined)
      throw missing(
        `the environment has no variable ${reference.fromEnv}. ${advise(setVariable({ variable: reference.fromEnv }))}`,
      )
    return value
  }
  if ('fromSpecification' in reference) {
    const value = specificationSecrets.get(reference)
    if (value === undefined)
      throw missing(
        `its value is in a specification file, which has not been read since mooring started. ${advise(makeReadable())}`,
      )
    return value
  }
  if ('fromSecret' in reference) {
    if (object === undefined || readSecret === undefined)
      throw missing(`fromSecret works only in objects of Kubernetes. ${advise(useOther())}`)
    const { name: secret, key } = reference.fromSecret
    const value = await readSecret(object.namespace, secret, key)
    if (value === undefined)
      throw missing(
        `Secret "${secret}" in namespace "${object.namespace}" does not exist, or has no key "${key}"`,
      )
    return value
  }
  // The reading has checked this already. A second check, so that no object ever reaches a foreign secret.
  if (object !== undefined)
    throw missing(`an object may use only Secrets of its own namespace. ${advise(useSecret())}`)
  if ('fromVariable' in reference) {
    const { path, item } = reference.fromVariable
    const whole = `${variablesPrefix}${namespace}/${path}`
    const value = (await readVariable(whole))?.[item]
    if (value === undefined) throw missing(`there is no Nomad Variable "${whole}" with an item "${item}"`)
    return value
  }
  if (secretsDirectory === undefined) {
    throw missing(
      `it names file "${reference.fromFile}", but mooring runs without --secrets-dir. ${advise(secretsDir())}`,
    )
  }
  try {
    const root = await realpath(secretsDirectory)
    const path = await realpath(resolve(root, reference.fromFile))
    // A secret may be mounted by a symbolic link, but no link may lead out of the directory.
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

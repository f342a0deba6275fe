import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { NomadClientOptions } from './client.ts'
import type { TransportOptions } from './http.ts'

type Environment = Readonly<Record<string, string | undefined>>

export const defaultAddress = 'http://127.0.0.1:4646'

/** The socket on which a Nomad agent serves its API to a task; undefined outside a task. The API needs a token there. */
export function taskAddress(environment: Environment): string | undefined {
  if (environment.NOMAD_UNIX_ADDR) return environment.NOMAD_UNIX_ADDR
  // Older agents do not set that variable.
  const socket = secretsFile(environment, 'api.sock')
  return socket === undefined ? undefined : `unix://${socket}`
}

/** The file with the workload identity of a task that has `identity { file = true }`. Nomad renews it there. */
export function taskTokenFile(environment: Environment): string | undefined {
  return secretsFile(environment, 'nomad_token')
}

function secretsFile({ NOMAD_SECRETS_DIR: directory }: Environment, name: string): string | undefined {
  if (!directory) return undefined
  const file = join(directory, name)
  return existsSync(file) ? file : undefined
}

/**
 * Chooses between a token and a token file: the file. One exception: an ACL token that a person gave comes before the
 * identity file of the task that this process runs in. A workload identity in `token` is the task's own, from its
 * start, and the file has the renewed one.
 */
export function chooseToken(
  { token, tokenFile }: Pick<TransportOptions, 'token' | 'tokenFile'>,
  environment: Environment,
): Pick<TransportOptions, 'token' | 'tokenFile'> {
  const isACLToken = token !== undefined && !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)
  const isIdentityFile = tokenFile !== undefined && tokenFile === taskTokenFile(environment)
  if (tokenFile !== undefined && !(isIdentityFile && isACLToken)) return { tokenFile }
  return token === undefined ? {} : { token }
}

/** The options of a client from the variables that every Nomad tool reads, and from those of a Nomad task. */
export function readEnvironment(environment: Environment): NomadClientOptions {
  const get = (name: string) => (environment[name] === '' ? undefined : environment[name])
  const optional = <Name extends string>(name: Name, value: string | undefined) =>
    (value === undefined ? {} : { [name]: value }) as { readonly [key in Name]?: string }
  return {
    address: get('NOMAD_ADDR') ?? taskAddress(environment) ?? defaultAddress,
    ...chooseToken(
      {
        ...optional('token', get('NOMAD_TOKEN')),
        ...optional('tokenFile', taskTokenFile(environment)),
      },
      environment,
    ),
    ...optional('region', get('NOMAD_REGION')),
    tls: {
      ...optional('caCertFile', get('NOMAD_CACERT')),
      ...optional('caPath', get('NOMAD_CAPATH')),
      ...optional('clientCertFile', get('NOMAD_CLIENT_CERT')),
      ...optional('clientKeyFile', get('NOMAD_CLIENT_KEY')),
      ...optional('serverName', get('NOMAD_TLS_SERVER_NAME')),
      skipVerify: /^(1|t|true)$/i.test(get('NOMAD_SKIP_VERIFY') ?? ''),
    },
  }
}

import { OperationError } from '../../lib/errors.ts'
import type { NomadConnection } from '../../nomad/connection.ts'
import type { NomadClusterSpec } from '../declare/nomad-cluster.ts'

/** One value of a Secret of Kubernetes; undefined: it is not there. */
export type ReadSecret = (namespace: string, name: string, key: string) => Promise<string | undefined>

/**
 * How a NomadCluster is reached: what its object says, with the values of the Secrets that it names.
 * @param namespace of the Secrets
 * @throws OperationError `waiting` with reason `SecretNotFound` where one is not there
 */
export async function readConnection(
  { address, region, tlsServerName, token, caCert, clientCertificate }: NomadClusterSpec,
  namespace: string,
  readSecret: ReadSecret,
): Promise<NomadConnection> {
  const read = async (field: string, { name, key }: { readonly name: string; readonly key: string }) => {
    const value = await readSecret(namespace, name, key)
    if (value !== undefined) return value
    throw new OperationError(
      `spec.${field}: Secret "${name}" in namespace "${namespace}" is not there, or has no key "${key}"`,
      { kind: 'waiting', reason: 'SecretNotFound' },
    )
  }
  const readPair = async (name: string) => ({
    cert: await read('clientCertificate', { name, key: 'tls.crt' }),
    key: await read('clientCertificate', { name, key: 'tls.key' }),
  })
  return {
    nomadAddr: address,
    ...(region === undefined ? {} : { nomadRegion: region }),
    ...(token === undefined ? {} : { nomadToken: (await read('token', token)).trim() }),
    ...(tlsServerName === undefined ? {} : { nomadTlsServerName: tlsServerName }),
    nomadTlsTexts: {
      ...(caCert === undefined ? {} : { ca: await read('caCert', caCert) }),
      ...(clientCertificate === undefined ? {} : await readPair(clientCertificate.name)),
    },
  }
}

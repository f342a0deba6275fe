import { existsSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { isIPv6 } from 'node:net'
import { join } from 'node:path'
import type { Access } from './credentials.ts'

const mountedAt = '/var/run/secrets/kubernetes.io/serviceaccount'

/**
 * Finds the API server in a pod: by KUBERNETES_SERVICE_HOST and _PORT, and the files of the service account, which the
 * kubelet replaces before the token expires. undefined: this is no pod.
 * https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
 * @param directory the folder with the files
 */
export function findServiceAccount(
  environment: Readonly<Record<string, string | undefined>>,
  directory: string = mountedAt,
): Access | undefined {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = environment
  if (!host || !existsSync(join(directory, 'token'))) return undefined
  return {
    server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
    namespace: readFileSync(join(directory, 'namespace'), 'utf8').trim(),
    async credentials() {
      const [token, ca] = await Promise.all([
        readFile(join(directory, 'token'), 'utf8'),
        readFile(join(directory, 'ca.crt')),
      ])
      return { headers: { authorization: `Bearer ${token.trim()}` }, tls: { ca } }
    },
  }
}

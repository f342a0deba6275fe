import type { Clock } from '../lib/clock.ts'
import { type AccessOptions, findAccess } from './access.ts'
import type { KubernetesApi } from './api.ts'
import { createKubernetesClient } from './client.ts'
import { createHttp } from './http.ts'

export interface KubernetesConnection {
  readonly api: KubernetesApi
  /** Of the service account or the context: the operator's own. */
  readonly namespace: string
  /** Its address, for people. */
  readonly server: string
  /** Cuts what is under way and frees the connections. */
  close(): Promise<void>
}

/**
 * Finds out where the API server is; makes no call to it.
 * @throws UsageError where there is none, or its configuration cannot be used
 */
export async function connectKubernetes(
  options: AccessOptions & { readonly clock: Clock },
): Promise<KubernetesConnection> {
  const access = await findAccess(options)
  const http = createHttp(access, options.clock)
  return {
    api: createKubernetesClient(http),
    namespace: access.namespace,
    server: access.server,
    close: http.close,
  }
}

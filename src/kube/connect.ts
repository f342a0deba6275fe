import type { Clock } from '../lib/clock.ts'
import { type AccessOptions, findAccess } from './access.ts'
import type { KubernetesApi } from './api.ts'
import { createKubernetesClient } from './client.ts'
import { createHttp } from './http.ts'

export interface KubernetesConnection {
  readonly api: KubernetesApi
  /** The namespace of the service account or the context, which is the operator's own. */
  readonly namespace: string
  /** The address of the API server. */
  readonly server: string
  /** Cuts all requests and frees the connections. */
  close(): Promise<void>
}

/**
 * Finds out where the API server is. Sends nothing yet.
 * @throws UsageError where no API server is configured, or the configuration cannot be used
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

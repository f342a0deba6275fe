import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { UsageError } from '../lib/errors.ts'
import type { Access } from './credentials.ts'
import { findServiceAccount } from './service-account.ts'

export interface AccessOptions {
  /** A kubeconfig file. Default: the files that KUBECONFIG names, else the pod's service account, else `~/.kube/config`. */
  readonly kubeconfig?: string
  /** A context of that file. Default: its current one. */
  readonly context?: string
  readonly environment: Readonly<Record<string, string | undefined>>
}

/**
 * Finds out how the API server is reached. In a pod it reads three files. The official client, which takes some 50 MB of
 * memory, is loaded only for a kubeconfig.
 * @throws UsageError where there is no configuration, or it cannot be used
 */
export async function findAccess({ kubeconfig, context, environment }: AccessOptions): Promise<Access> {
  const named =
    kubeconfig !== undefined ? [kubeconfig] : (environment.KUBECONFIG ?? '').split(delimiter).filter(Boolean)
  if (named.length === 0 && context === undefined) {
    const serviceAccount = findServiceAccount(environment)
    if (serviceAccount) return serviceAccount
  }
  const files = named.length > 0 ? named : [join(environment.HOME ?? homedir(), '.kube', 'config')]
  const present = files.filter((file) => existsSync(file))
  if (present.length === 0) {
    throw new UsageError(
      named.length > 0
        ? `there is no kubeconfig file ${named.join(', ')}`
        : 'no Kubernetes is configured: mooring runs in no pod, KUBECONFIG is not set, and there is no ~/.kube/config: name a file by --kubeconfig',
    )
  }
  const { readKubeconfig } = await import('./kubeconfig.ts')
  return readKubeconfig(present, context)
}

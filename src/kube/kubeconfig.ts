/**
 * The official client reads the kubeconfig and gets the credentials (certificates, tokens, exec plugins, OIDC). It sends
 * no request of ours: version 2.0.1 opens a connection for each, and its watch gives neither bookmarks nor statuses.
 */
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { KubeConfig } from '@kubernetes/client-node'
import { load } from 'js-yaml'
import { errorMessage, UsageError } from '../lib/errors.ts'
import type { Access, Credentials, TlsMaterial } from './credentials.ts'

type HttpsOptions = Parameters<KubeConfig['applyToHTTPSOptions']>[0]

/**
 * @param files in the order of KUBECONFIG: the first file that has an entry decides it
 * @throws UsageError where they cannot be understood, or name no API server
 */
export function readKubeconfig(files: readonly string[], context: string | undefined): Access {
  let config = loadFiles(files)
  const chosen = context ?? config.getCurrentContext()
  if (!chosen)
    throw new UsageError(`${files.join(', ')} has no current context: set one by kubectl config use-context`)
  config.setCurrentContext(chosen)
  const found = config.getContextObject(chosen)
  const cluster = found && config.getCluster(found.cluster)
  if (!found || !cluster?.server || !URL.canParse(cluster.server)) {
    throw new UsageError(
      `${files.join(', ')} has no context "${chosen}" with a cluster that has an address; its contexts are: ${config
        .getContexts()
        .map(({ name }) => name)
        .join(', ')}`,
    )
  }
  if (cluster.proxyUrl && !/^https?:/.test(cluster.proxyUrl)) {
    throw new UsageError(
      `proxy-url "${cluster.proxyUrl}" of cluster "${cluster.name}" cannot be used: name an HTTP proxy`,
    )
  }
  return {
    server: cluster.server,
    namespace: found.namespace ?? 'default',
    ...(cluster.proxyUrl && { proxy: cluster.proxyUrl }),
    async credentials(wereRefused) {
      // The client caches an exec plugin's credentials until they expire, and never reads a kubeconfig twice.
      if (wereRefused) {
        config = loadFiles(files)
        config.setCurrentContext(chosen)
      }
      const options: HttpsOptions = {}
      try {
        await config.applyToHTTPSOptions(options)
      } catch (error) {
        // The message may quote the output, and so the credential.
        if (error instanceof SyntaxError) throw new Error('the exec plugin printed no JSON')
        throw error
      }
      return toCredentials(options)
    },
  }
}

function loadFiles(files: readonly string[]): KubeConfig {
  const config = new KubeConfig()
  for (const file of files) {
    const next = new KubeConfig()
    try {
      next.loadFromFile(file)
      readTokenFiles(next, file)
      config.mergeConfig(next, config.getCurrentContext() !== undefined)
    } catch (error) {
      throw new UsageError(`kubeconfig ${file}: ${errorMessage(error)}`)
    }
  }
  return config
}

/** The client ignores `tokenFile` of a user. Its authenticator for pods reads such files. */
function readTokenFiles(config: KubeConfig, file: string): void {
  const raw = load(readFileSync(file, 'utf8')) as {
    users?: readonly { name?: string; user?: { tokenFile?: string } }[]
  }
  for (const { name, user } of raw.users ?? []) {
    const read = config.getUsers().find((candidate) => candidate.name === name)
    if (!read || !user?.tokenFile) continue
    Object.assign(read, {
      authProvider: {
        name: 'tokenFile',
        config: { tokenFile: resolve(dirname(file), user.tokenFile) },
      },
    })
  }
}

function toCredentials({
  headers,
  auth,
  ca,
  cert,
  key,
  servername,
  rejectUnauthorized,
}: HttpsOptions): Credentials {
  const found = Object.entries((headers ?? {}) as Record<string, unknown>).map(([name, value]) => [
    name.toLowerCase(),
    String(value).trim(),
  ])
  const basic = auth ? { authorization: `Basic ${Buffer.from(auth).toString('base64')}` } : {}
  const given = { ca, cert, key, servername, rejectUnauthorized }
  return {
    headers: { ...basic, ...Object.fromEntries(found) },
    tls: Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as TlsMaterial,
  }
}

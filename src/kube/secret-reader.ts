import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { KubernetesApi, KubernetesObject } from './api.ts'
import { type Informer, startInformer } from './informer.ts'
import { secrets } from './resources.ts'

export interface SecretReaderOptions {
  readonly api: KubernetesApi
  readonly clock: Clock
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly log: Log
  /** A Secret that was read is another now, came or went. */
  readonly onChange: (namespace: string, name: string) => void
}

/**
 * Reads Secrets by name, and watches each that was read by a watch of its own: rights on those names are
 * enough, and no other Secret is ever seen.
 */
export interface SecretReader {
  /**
   * undefined: there is no such Secret, or it has no such key. Asks the API server while the Secret's watch does
   * not follow.
   * @throws KubernetesError
   */
  read(namespace: string, name: string, key: string): Promise<string | undefined>
  close(): Promise<void>
}

/** A Secret that nobody read for so long is watched no more. */
const idleMs = 3_600_000

interface Watched {
  readonly informer: Informer
  readAtMs: number
  /** The version handed out last; '' where none was there. */
  handedOut: string | undefined
}

export function createSecretReader(options: SecretReaderOptions): SecretReader {
  const { api, clock, onChange } = options
  const watched = new Map<string, Watched>()
  let closed = false

  function watch(namespace: string, name: string): Watched {
    const informer = startInformer({
      ...options,
      resource: secrets,
      namespaces: [namespace],
      fieldSelector: `metadata.name=${name}`,
    })
    const entry: Watched = { informer, readAtMs: clock.now(), handedOut: undefined }
    informer.onChange(() => {
      // What a read has told already is no news.
      if (entry.handedOut === undefined || versionOf(informer.get(namespace, name)) === entry.handedOut)
        return
      onChange(namespace, name)
    })
    return entry
  }

  function forgetIdle() {
    for (const [key, { informer, readAtMs }] of watched) {
      if (clock.now() - readAtMs < idleMs) continue
      watched.delete(key)
      void informer.close()
    }
  }

  return {
    async read(namespace, name, key) {
      if (closed) throw new Error('the Secrets are no longer read')
      const id = `${namespace}/${name}`
      const entry = watched.get(id) ?? watch(namespace, name)
      watched.set(id, entry)
      entry.readAtMs = clock.now()
      forgetIdle()
      const secret = entry.informer.state().complete
        ? entry.informer.get(namespace, name)
        : await api.get(secrets, { namespace, name })
      entry.handedOut = versionOf(secret)
      return dataOf(secret, key)
    },
    async close() {
      closed = true
      await Promise.all([...watched.values()].map(({ informer }) => informer.close()))
    },
  }
}

function versionOf(secret: KubernetesObject | undefined): string {
  return secret?.metadata.resourceVersion ?? ''
}

function dataOf(secret: KubernetesObject | undefined, key: string): string | undefined {
  const data = secret?.data
  if (typeof data !== 'object' || data === null) return undefined
  const entry = Object.entries(data).find(([name]) => name === key)
  return typeof entry?.[1] === 'string' ? Buffer.from(entry[1], 'base64').toString('utf8') : undefined
}

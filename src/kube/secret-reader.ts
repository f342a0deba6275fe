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
  /** Called when a Secret that was read has changed, come or gone. */
  readonly onChange: (namespace: string, name: string) => void
}

/**
 * Reads Secrets by name. Each has a watch of its own, so rights on these names are enough, and no other Secret is ever
 * read.
 */
export interface SecretReader {
  /**
   * undefined: there is no such Secret, or it has no such key. Asks the API server while the Secret's watch is not
   * running.
   * @throws KubernetesError
   */
  read(namespace: string, name: string, key: string): Promise<string | undefined>
  close(): Promise<void>
}

/** A Secret that nobody has read for so long is no longer watched. */
const idleMs = 3_600_000

interface Watched {
  readonly informer: Informer
  readAtMs: number
  /** The version that was read last; '' where there was no Secret. */
  lastRead: string | undefined
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
    const entry: Watched = { informer, readAtMs: clock.monotonicMs(), lastRead: undefined }
    informer.onChange(() => {
      // The last read has seen this version already.
      if (entry.lastRead === undefined || versionOf(informer.get(namespace, name)) === entry.lastRead) return
      onChange(namespace, name)
    })
    return entry
  }

  function forgetIdle() {
    for (const [key, { informer, readAtMs }] of watched) {
      if (clock.monotonicMs() - readAtMs < idleMs) continue
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
      entry.readAtMs = clock.monotonicMs()
      forgetIdle()
      const secret = entry.informer.state().complete
        ? entry.informer.get(namespace, name)
        : await api.get(secrets, { namespace, name })
      entry.lastRead = versionOf(secret)
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

import type { KubernetesObject, ListOptions, WatchEvent } from './api.ts'
import { type ReflectorOptions, type ReflectorState, startReflector } from './reflector.ts'
import { isNewerVersion } from './resource-version.ts'

export interface InformerOptions
  extends Pick<ReflectorOptions, 'api' | 'resource' | 'clock' | 'random' | 'log'>,
    Omit<ListOptions, 'namespace'> {
  /** Each named namespace has a watch of its own, so rights in these are enough. `all` for cluster-scoped resources. */
  readonly namespaces: 'all' | readonly string[]
}

/** An object that came, went or changed. */
export interface ObjectChange {
  readonly namespace: string | undefined
  readonly name: string
}

export interface InformerState extends ReflectorState {
  /** All objects were listed and are watched: an object that is not in the cache does not exist. */
  readonly complete: boolean
}

/**
 * A cache of the objects of one resource. Watches update it, and are opened again whatever ends them. While the API
 * server cannot be reached, the cache stays as it was, and `state` says so. If the kind is not served, or may not be
 * read, the informer waits.
 */
export interface Informer {
  get(namespace: string | undefined, name: string): KubernetesObject | undefined
  list(): readonly KubernetesObject[]
  /**
   * Puts the answer to a write of our own into the cache, until the watch brings it. Does nothing where the watch has
   * passed that version already. Calls no listener.
   */
  remember(object: KubernetesObject): void
  /** The worst state of all namespaces. */
  state(): InformerState
  /** Resolves when everything was listed once. Rejects when `signal` aborts or the informer is closed. */
  synced(signal?: AbortSignal): Promise<void>
  /**
   * Calls `listener` after an object came, went or changed, and for each object of the first list. What it throws is
   * logged. Returns the function that ends it.
   */
  onChange(listener: (change: ObjectChange) => void): () => void
  /** Calls `listener` when `state` may have changed. What it throws is logged. Returns the function that ends it. */
  onState(listener: () => void): () => void
  /** Calls no listener any more. */
  close(): Promise<void>
}

export function startInformer(options: InformerOptions): Informer {
  const { namespaces, labelSelector, fieldSelector, resource, log } = options
  const changeListeners = new Set<(change: ObjectChange) => void>()
  const stateListeners = new Set<() => void>()
  /** Those who wait for the first list. */
  const waiting = new Set<() => void>()
  let closed = false

  function tell<Arguments extends unknown[]>(
    listeners: ReadonlySet<(...what: Arguments) => void>,
    ...what: Arguments
  ) {
    if (closed) return
    for (const listener of listeners) {
      try {
        listener(...what)
      } catch (error) {
        log.error(
          { resource: resource.plural, err: error },
          'a listener of a Kubernetes watch failed; the watch goes on',
        )
      }
    }
  }

  const selection = {
    ...(labelSelector !== undefined && { labelSelector }),
    ...(fieldSelector !== undefined && { fieldSelector }),
  }
  const parts = (namespaces === 'all' ? [undefined] : [...new Set(namespaces)]).map((namespace) => {
    const cache = createCache((change) => tell(changeListeners, change))
    const reflector = startReflector({
      ...options,
      selection: { ...selection, ...(namespace !== undefined && { namespace }) },
      onList: cache.replace,
      onEvent: cache.apply,
      onState() {
        tell(stateListeners)
        for (const look of [...waiting]) look()
      },
    })
    return { namespace, cache, reflector }
  })

  const partOf = (namespace: string | undefined) =>
    parts.find((part) => part.namespace === undefined || part.namespace === namespace)
  const state = () => worstOf(parts.map(({ reflector }) => reflector.state()))

  return {
    get: (namespace, name) => partOf(namespace)?.cache.objects.get(keyOf(namespace, name)),
    list: () => parts.flatMap(({ cache }) => [...cache.objects.values()]),
    remember(object) {
      const part = partOf(object.metadata.namespace)
      // The watch has seen everything up to its version: an older object may be gone by now.
      if (part && isNewerVersion(object.metadata.resourceVersion, part.reflector.version())) {
        part.cache.remember(object)
      }
    },
    state,
    synced(signal) {
      return new Promise((resolve, reject) => {
        const look = () => {
          const hasEnded = closed || signal?.aborted
          if (!hasEnded && !state().hasSynced) return
          waiting.delete(look)
          signal?.removeEventListener('abort', look)
          if (hasEnded) reject(new Error(`the watch of ${resource.plural} has ended`))
          else resolve()
        }
        waiting.add(look)
        signal?.addEventListener('abort', look)
        look()
      })
    },
    onChange: (listener) => subscribe(changeListeners, listener),
    onState: (listener) => subscribe(stateListeners, listener),
    async close() {
      closed = true
      for (const look of [...waiting]) look()
      await Promise.all(parts.map(({ reflector }) => reflector.close()))
    },
  }
}

interface Cache {
  readonly objects: ReadonlyMap<string, KubernetesObject>
  replace(objects: readonly KubernetesObject[]): void
  apply(event: Exclude<WatchEvent, { type: 'BOOKMARK' }>): void
  remember(object: KubernetesObject): void
}

function createCache(onChange: (change: ObjectChange) => void): Cache {
  let objects = new Map<string, KubernetesObject>()
  const tell = ({ metadata: { namespace, name } }: KubernetesObject) => onChange({ namespace, name })
  return {
    get objects() {
      return objects
    },
    replace(listed) {
      const before = objects
      objects = new Map(listed.map((object) => [keyOfObject(object), object]))
      for (const [key, object] of objects) {
        if (before.get(key)?.metadata.resourceVersion !== object.metadata.resourceVersion) tell(object)
      }
      for (const [key, object] of before) if (!objects.has(key)) tell(object)
    },
    apply({ type, object }) {
      const known = objects.get(keyOfObject(object))
      // The cache holds a later version, from a write of our own, whose event is still to come.
      if (isNewerVersion(known?.metadata.resourceVersion, object.metadata.resourceVersion)) return
      if (type === 'DELETED') objects.delete(keyOfObject(object))
      else objects.set(keyOfObject(object), object)
      tell(object)
    },
    remember(object) {
      const known = objects.get(keyOfObject(object))
      if (known && !isNewerVersion(object.metadata.resourceVersion, known.metadata.resourceVersion)) return
      objects.set(keyOfObject(object), object)
    },
  }
}

function worstOf(states: readonly ReflectorState[]): InformerState {
  const hasSynced = states.every((state) => state.hasSynced)
  const times = states.map(({ asOfMs }) => asOfMs)
  const problem = states
    .flatMap((state) => state.problem ?? [])
    .sort((left, right) => left.sinceMs - right.sinceMs)[0]
  const known = times.filter((asOfMs) => asOfMs !== undefined)
  return {
    hasSynced,
    asOfMs: known.length === times.length && known.length > 0 ? Math.min(...known) : undefined,
    problem,
    complete: hasSynced && problem === undefined,
  }
}

function subscribe<Listener>(listeners: Set<Listener>, listener: Listener): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

function keyOf(namespace: string | undefined, name: string): string {
  return `${namespace ?? ''}/${name}`
}

function keyOfObject({ metadata: { namespace, name } }: KubernetesObject): string {
  return keyOf(namespace, name)
}

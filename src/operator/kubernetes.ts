import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import process from 'node:process'
import type { KubernetesApi, KubernetesObject, Resource } from '../kube/api.ts'
import { connectKubernetes } from '../kube/connect.ts'
import { createEventWriter } from '../kube/event-writer.ts'
import { startInformer } from '../kube/informer.ts'
import { declaredResources, nomadClusters } from '../kube/resources.ts'
import { createSecretReader } from '../kube/secret-reader.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { openTogether } from '../lib/open-together.ts'
import type { NamespaceMapping } from './declare/namespace-mapping.ts'
import { ensureHashKey } from './inventory/kubernetes-hash-key.ts'
import { createAnnotationOrders } from './kubernetes/annotation-orders.ts'
import { createObjectSync, type DeclaredNow, type ObjectSync } from './kubernetes/object-sync.ts'
import { createObjectWriter, type ObjectWriter } from './kubernetes/object-writer.ts'
import { createScheduledSnapshots } from './kubernetes/scheduled-snapshots.ts'
import { createSecretUsers } from './kubernetes/secret-users.ts'
import type { TakeOrder } from './orders/take-order.ts'
import type { Key } from './plan/identity.ts'
import type { Inventory } from './plan/ports.ts'
import { guardEffects } from './replicas/guard-effects.ts'
import type { KubernetesSettings } from './settings.ts'
import { createKubernetesSource, type DeclaredObjects } from './sources/kubernetes.ts'
import type { Source } from './sources/source.ts'

/** What the operators of one process share of Kubernetes. */
export interface Kubernetes {
  readonly api: KubernetesApi
  readonly operatorNamespace: string
  readonly namespaceMapping: NamespaceMapping
  /** The objects that declare something. */
  readonly objects: DeclaredObjects
  readonly nomadClusters: DeclaredObjects[number]
  readonly readSecret: (namespace: string, name: string, key: string) => Promise<string | undefined>
  /** Told of each Secret that was read and has changed since. @returns ends it */
  onSecret(listener: (namespace: string, name: string) => void): () => void
  /** Writes objects of all kinds. @param mayAct false: nothing is written any more */
  writer(mayAct: () => boolean): ObjectWriter
  /** The key of an inventory's keyed hashes. The first replica that leads makes it; all have the same. */
  hashKey(instance: string): Promise<Buffer>
  close(): Promise<void>
}

/** @throws UsageError where the API server's address or credentials are not known */
export function openKubernetes(options: {
  readonly settings: KubernetesSettings
  readonly readOnly: boolean
  readonly clock: Clock
  readonly log: Log
}): Promise<Kubernetes> {
  const { settings, clock } = options
  const { kubeconfig } = settings
  return openTogether(async (adopt) => {
    const access = { environment: process.env, clock, ...(kubeconfig === undefined ? {} : { kubeconfig }) }
    const { api, namespace } = adopt(await connectKubernetes(access))
    const operatorNamespace = settings.operatorNamespace ?? namespace
    const here = { replica: hostname(), random: Math.random, randomBytes }
    return adopt(await createKubernetes({ ...options, ...here, api, operatorNamespace }))
  })
}

/** The same over any API: watches begin at once. */
export function createKubernetes(options: {
  readonly settings: Pick<KubernetesSettings, 'namespaces' | 'namespaceMapping'>
  readonly api: KubernetesApi
  readonly operatorNamespace: string
  readonly readOnly: boolean
  /** The name of this process, in its Events. */
  readonly replica: string
  readonly clock: Clock
  /** Uniform in [0, 1). */
  readonly random: () => number
  /** The operating system's generator. */
  readonly randomBytes: (size: number) => Buffer
  readonly log: Log
}): Promise<Kubernetes> {
  const { settings, api, operatorNamespace, readOnly, replica, clock, random, randomBytes, log } = options
  const { namespaces = 'all', namespaceMapping } = settings
  return openTogether(async (adopt) => {
    const watching = { api, clock, random, log }
    const follow = (resource: Resource) => ({
      resource,
      informer: adopt(
        startInformer({ ...watching, resource, namespaces: resource.namespaced ? namespaces : 'all' }),
      ),
    })
    const objects = Object.values(declaredResources).map(follow)
    const clusters = follow(nomadClusters)
    const events = adopt(createEventWriter({ api, instance: replica, clock, log }))
    const secretListeners = new Set<(namespace: string, name: string) => void>()
    const secrets = adopt(
      createSecretReader({
        ...watching,
        onChange: (namespace, name) => {
          for (const listener of secretListeners) listener(namespace, name)
        },
      }),
    )
    return {
      api,
      operatorNamespace,
      namespaceMapping,
      objects,
      nomadClusters: clusters,
      readSecret: secrets.read,
      onSecret(listener: (namespace: string, name: string) => void) {
        secretListeners.add(listener)
        return () => secretListeners.delete(listener)
      },
      writer: (mayAct: () => boolean) =>
        createObjectWriter({ api: guardEffects(api, mayAct), objects: [...objects, clusters], events }),
      hashKey: (instance: string) =>
        ensureHashKey({
          // Who writes nothing uses a key of its own where none is kept yet.
          api: readOnly ? { ...api, create: async (_resource, object) => object as KubernetesObject } : api,
          namespace: operatorNamespace,
          name: `mooring-${instance}-hash-key`,
          randomBytes,
        }),
    }
  })
}

/** The objects of one Nomad cluster. */
export interface ClusterObjects {
  readonly source: Source
  /** Writes to the objects what becomes of them. */
  sync(operator: {
    readonly declared: DeclaredNow
    readonly wake: (key: Key) => void
    readonly inventory: Inventory
    readonly takeOrder: TakeOrder
  }): ObjectSync
  close(): Promise<void>
}

/**
 * @param cluster of a NomadCluster; undefined: the objects that name none
 * @param mayAct false: nothing is written any more
 */
export function openClusterObjects(
  kubernetes: Kubernetes,
  options: {
    readonly cluster: string | undefined
    readonly mayAct: () => boolean
    readonly clock: Clock
    readonly log: Log
  },
): ClusterObjects {
  const { api, objects, namespaceMapping: mapping } = kubernetes
  const { cluster, mayAct, clock, log } = options
  const source = createKubernetesSource({ objects, api, cluster, mapping, clock })
  const writer = kubernetes.writer(mayAct)
  let stopListening = () => {}
  return {
    source,
    sync({ declared, wake, inventory, takeOrder }) {
      const users = createSecretUsers(inventory)
      const endListening = kubernetes.onSecret((namespace, name) => users.of(namespace, name).forEach(wake))
      stopListening = () => {
        endListening()
        users.close()
      }
      return createObjectSync({
        objects: source.objects,
        writer,
        scheduledSnapshots: createScheduledSnapshots({
          api: guardEffects(api, mayAct),
          writer,
          inventory,
          wake,
          clock,
          log,
        }),
        orders: createAnnotationOrders({ writer, inventory, takeOrder, log }),
        inventory,
        declared,
        wake,
        clock,
        log,
      })
    },
    async close() {
      stopListening()
      await source.close()
    },
  }
}

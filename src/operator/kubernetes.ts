import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import process from 'node:process'
import type { KubernetesObject, Resource } from '../kube/api.ts'
import { connectKubernetes, type KubernetesConnection } from '../kube/connect.ts'
import { createEventWriter } from '../kube/event-writer.ts'
import { startInformer } from '../kube/informer.ts'
import { nomadClusters, snapshotSchedules, snapshots, volumes } from '../kube/resources.ts'
import { createSecretReader } from '../kube/secret-reader.ts'
import { systemClock } from '../lib/clock.ts'
import { UsageError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { Keeper } from './control-loop.ts'
import type { Declaration } from './declare/declaration.ts'
import { ensureHashKey } from './inventory/kubernetes-hash-key.ts'
import { createAnnotationOrders } from './kubernetes/annotation-orders.ts'
import { createMirrors } from './kubernetes/mirrors.ts'
import { createObjectKeeper, type DeclaredNow } from './kubernetes/object-keeper.ts'
import { createObjectWriter, type ObjectWriter } from './kubernetes/object-writer.ts'
import type { TakeOrder } from './orders/take-order.ts'
import { type Key, keyOf } from './plan/identity.ts'
import type { Inventory } from './plan/ports.ts'
import { guardEffects } from './replicas/guard-effects.ts'
import type { KubernetesFlags } from './settings.ts'
import { createKubernetesSource, type DeclaredObjects } from './sources/kubernetes.ts'
import type { Source } from './sources/source.ts'

/** What the operators of one process share of Kubernetes. */
export interface Kubernetes {
  readonly connection: KubernetesConnection
  readonly operatorNamespace: string
  /** The objects that declare something. */
  readonly objects: DeclaredObjects
  readonly nomadClusters: DeclaredObjects[number]
  readonly readSecret: (namespace: string, name: string, key: string) => Promise<string | undefined>
  /** Told of each Secret that was read and is another now. @returns ends it */
  onSecret(listener: (namespace: string, name: string) => void): () => void
  /** Writes objects of all kinds. */
  writer(mayAct: () => boolean): ObjectWriter
  /** Of an inventory's keyed hashes: all replicas have the same. Made by the first that leads. */
  hashKey(instance: string): Promise<Buffer>
  /**
   * For one operator.
   * @param cluster of a NomadCluster; undefined: that of the NOMAD_* settings
   * @param mayAct false: nothing is written any more
   */
  part(cluster: string | undefined, mayAct: () => boolean): KubernetesPart
  close(): Promise<void>
}

/** What one operator takes of it. */
export interface KubernetesPart {
  readonly source: Source
  readonly readSecret: (namespace: string, name: string, key: string) => Promise<string | undefined>
  keeper(operator: {
    readonly declared: DeclaredNow
    readonly wake: (key: Key) => void
    readonly inventory: Inventory
    readonly takeOrder: TakeOrder
  }): Keeper
  close(): void
}

/** @throws UsageError where the API server's address or credentials are not known */
export async function openKubernetes(
  flags: KubernetesFlags & { readonly readOnly: boolean },
  log: Log,
): Promise<Kubernetes> {
  const clock = systemClock
  const { kubeconfig, kubernetesNamespace, namespaceMapping: mapping = new Map() } = flags
  const connection = await connectKubernetes({
    environment: process.env,
    clock,
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
  })
  const { api } = connection
  const follow = (resource: Resource) => ({
    resource,
    informer: startInformer({
      api,
      resource,
      namespaces: resource.namespaced ? (kubernetesNamespace ?? 'all') : 'all',
      clock,
      random: Math.random,
      log,
    }),
  })
  const objects = [volumes, snapshots, snapshotSchedules].map(follow)
  const clusters = follow(nomadClusters)
  const events = createEventWriter({ api, instance: hostname(), clock, log })
  const secretListeners = new Set<(namespace: string, name: string) => void>()
  const secrets = createSecretReader({
    api,
    clock,
    random: Math.random,
    log,
    onChange: (namespace, name) => {
      for (const listener of secretListeners) listener(namespace, name)
    },
  })
  const createWriter = (mayAct: () => boolean) =>
    createObjectWriter({ api: guardEffects(api, mayAct), objects: [...objects, clusters], events })
  const onSecret = (listener: (namespace: string, name: string) => void) => {
    secretListeners.add(listener)
    return () => secretListeners.delete(listener)
  }
  const operatorNamespace = flags.kubernetesOperatorNamespace ?? connection.namespace
  return {
    connection,
    operatorNamespace,
    objects,
    nomadClusters: clusters,
    readSecret: secrets.read,
    onSecret,
    writer: createWriter,
    hashKey: (instance) =>
      ensureHashKey({
        // Who writes nothing uses one of its own where none is kept yet.
        api: flags.readOnly
          ? { ...api, create: async (_resource, object) => object as KubernetesObject }
          : api,
        namespace: operatorNamespace,
        name: `mooring-${instance}-hash-key`,
        randomBytes,
      }),
    part(cluster, mayAct) {
      const guarded = guardEffects(api, mayAct)
      const source = createKubernetesSource({ objects, api, cluster, mapping, clock })
      const stops: (() => void)[] = []
      const writer = createWriter(mayAct)
      return {
        source,
        readSecret: secrets.read,
        keeper({ declared, wake, inventory, takeOrder }) {
          const wakeUsers = (namespace: string, name: string) => {
            const declarations = [
              ...declared.declarations().values(),
              ...inventory.list().map((record) => record.declaration),
            ]
            for (const declaration of declarations)
              if (usesSecret(declaration, namespace, name)) wake(keyOf(declaration))
          }
          stops.push(onSecret(wakeUsers))
          const mirrors = createMirrors({ api: guarded, writer, inventory, wake, log })
          return createObjectKeeper({
            objects: source.objects,
            writer,
            mirrors,
            orders: createAnnotationOrders({ writer, inventory, takeOrder, log }),
            inventory,
            declared,
            wake,
            clock,
            log,
          })
        },
        close() {
          for (const stop of stops) stop()
        },
      }
    },
    async close() {
      await Promise.all([...objects, clusters].map(({ informer }) => informer.close()))
      await secrets.close()
      await events.close()
      await connection.close()
    },
  }
}

function usesSecret({ place, spec }: Declaration, namespace: string, name: string): boolean {
  if (place.object?.namespace !== namespace) return false
  const references =
    'template' in spec ? spec.template?.secrets : 'secrets' in spec ? spec.secrets : undefined
  return Object.values(references ?? {}).some(
    (reference) => 'fromSecret' in reference && reference.fromSecret.name === name,
  )
}

/** @throws UsageError where neither files nor objects are to be read */
export function assertSomeSource({
  source,
  kubernetes,
}: KubernetesFlags & { readonly source: readonly string[] }): void {
  if (source.length > 0 || kubernetes) return
  throw new UsageError('nothing says where declarations are: give --source, or --kubernetes')
}

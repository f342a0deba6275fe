import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { load } from 'js-yaml'
import { expect, onTestFinished, vi } from 'vitest'
import type { KubernetesApi, KubernetesObject, Resource } from '../../src/kube/api.ts'
import { connectKubernetes } from '../../src/kube/connect.ts'
import { declaredResources, events, nomadClusters } from '../../src/kube/resources.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { startFakeKubernetes } from '../fakes/kubernetes/fake-kubernetes.ts'
import { startMooring } from './mooring-process.ts'
import { namesIn, startUp } from './start-up.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const kinds = { ...declaredResources, NomadCluster: nomadClusters }
type Kind = keyof typeof kinds

/** Of replicas in tests: a leader that is gone is followed within seconds. */
export const shortLease = [
  ...['--lease-duration', '3s', '--lease-renew-deadline', '2s', '--lease-retry-period', '500ms'],
]

export interface ObjectStatus {
  readonly observedGeneration?: number
  readonly name?: string
  readonly externalID?: string
  readonly snapshotID?: string
  readonly capacity?: string
  readonly lastStep?: { readonly step: string }
  readonly instances?: readonly { readonly externalID?: string }[]
  readonly conditions?: readonly {
    readonly type: string
    readonly status: string
    readonly reason: string
    readonly message: string
  }[]
}

/**
 * The double of an API server with Mooring's CRDs and namespace team-a, and `mooring up` on an empty folder,
 * whose server and driver the operators of the test use.
 */
export async function startKubernetes() {
  const fake = await startFakeKubernetes({ bookmarkMs: 1000 })
  onTestFinished(() => fake.close())
  for (const { plural } of Object.values(kinds)) {
    fake.create(load(readFileSync(`manifests/crds/${plural}.yaml`, 'utf8')) as Record<string, unknown>)
  }
  for (const namespace of ['mooring-system', 'team-a']) fake.createNamespace(namespace)
  const root = temporaryDirectory()
  const kubeconfig = join(root, 'kubeconfig')
  writeFileSync(kubeconfig, fake.kubeconfig())
  const connection = await connectKubernetes({ kubeconfig, environment: {}, clock: systemClock })
  onTestFinished(() => connection.close())
  const { api } = connection
  const nomad = await startNomad(root)
  let operators = 0

  return {
    ...helpersOf(api),
    fake,
    api,
    nomad,
    /** Snapshots at the storage provider. */
    storedSnapshots: () => namesIn(join(root, 'nomad', 'pool', 'snapshots')),
    /** A further Mooring operator, as a process of its own. */
    startOperator(...flags: readonly string[]) {
      operators += 1
      const dataDirectory = join(root, `operator-${operators}`)
      const mooring = startMooring([
        ...['run', '--kubernetes', '--kubeconfig', kubeconfig],
        ...['--kubernetes-operator-namespace', 'mooring-system', '--namespace-mapping', '*=default'],
        ...['--nomad-addr', nomad.url, '--data-dir', dataDirectory, '--max-prune', '3'],
        ...flags,
      ])
      return { ...mooring, dataDirectory }
    },
  }
}

/** Mooring's server and driver; its own operator has nothing to do. */
export async function startNomad(root = temporaryDirectory()) {
  const folder = join(root, 'declarations')
  mkdirSync(folder)
  return startUp(folder, join(root, 'nomad'), ['--log-level', 'warn'])
}

function helpersOf(api: KubernetesApi) {
  const find = (kind: Kind, name: string, namespace = 'team-a') =>
    api.get(kinds[kind], addressOf(kinds[kind], name, namespace))
  const conditionOf = (object: KubernetesObject | undefined, type: string) =>
    statusOf(object).conditions?.find((condition) => condition.type === type)
  return {
    find,
    list: async (kind: Kind) => (await api.list(kinds[kind])).items,
    /** As `kubectl apply` does. */
    apply: (kind: Kind, name: string, spec: Readonly<Record<string, unknown>>, namespace = 'team-a') =>
      api.apply(
        kinds[kind],
        {
          apiVersion: 'mooring.dev/v1alpha1',
          kind,
          metadata: addressOf(kinds[kind], name, namespace),
          spec,
        },
        { fieldManager: 'kubectl', force: true },
      ),
    remove: (kind: Kind, name: string, namespace = 'team-a') =>
      api.delete(kinds[kind], addressOf(kinds[kind], name, namespace)),
    annotate: (
      kind: Kind,
      name: string,
      annotations: Readonly<Record<string, string | null>>,
      namespace = 'team-a',
    ) => api.patchMetadata(kinds[kind], addressOf(kinds[kind], name, namespace), { annotations }),
    /** The object, once its condition Ready is so, for this reason, and is about what it says now. */
    settled: (kind: Kind, name: string, reason: string, namespace = 'team-a') =>
      vi.waitFor(
        async () => {
          const object = await find(kind, name, namespace)
          expect(conditionOf(object, 'Ready')).toMatchObject({ reason })
          expect(statusOf(object).observedGeneration).toBe(object?.metadata.generation)
          return object as KubernetesObject
        },
        { timeout: 30_000, interval: 50 },
      ),
    gone: (kind: Kind, name: string, namespace = 'team-a') =>
      vi.waitFor(async () => expect(await find(kind, name, namespace)).toBeUndefined(), {
        timeout: 30_000,
        interval: 50,
      }),
    messageOf: (object: KubernetesObject) => conditionOf(object, 'Ready')?.message,
    reasonsOfEvents: async () =>
      (await api.list(events, { namespace: 'team-a' })).items.map(({ reason }) => String(reason)),
  }
}

export function statusOf(object: KubernetesObject | undefined): ObjectStatus {
  return (object?.status ?? {}) as ObjectStatus // Written by the operator under test.
}

function addressOf({ namespaced }: Resource, name: string, namespace: string) {
  return namespaced ? { name, namespace } : { name }
}

/** The spec of a volume of the driver. */
export const volumeSpec = (fields: Readonly<Record<string, unknown>> = {}) => ({
  pluginID: 'directories',
  capacity: { min: '1Mi' },
  capabilities: [{ accessMode: 'single-node-writer', attachmentMode: 'file-system' }],
  ...fields,
})

import { expect, it, onTestFinished, vi } from 'vitest'
import type { KubernetesObject } from '../../../../src/kube/api.ts'
import type { Informer } from '../../../../src/kube/informer.ts'
import { silentLog } from '../../../../src/lib/log.ts'
import { startNomadClusters } from '../../../../src/operator/clusters/nomad-clusters.ts'
import { readStatus } from '../../../../src/operator/kubernetes/status.ts'
import { volumeObject } from '../../../builders/objects.ts'
import { adjustableClock } from '../../../helpers/adjustable-clock.ts'

/** Objects as a watch that follows shows them. */
function informerOf(objects: readonly KubernetesObject[]) {
  let shown = objects
  const listeners = new Set<() => void>()
  const informer: Informer = {
    get: (_namespace, name) => shown.find(({ metadata }) => metadata.name === name),
    list: () => shown,
    remember() {},
    state: () => ({ hasSynced: true, complete: true }) as ReturnType<Informer['state']>,
    synced: async () => {},
    onChange: (listener) => {
      const tell = () => listener({ namespace: undefined, name: '' })
      listeners.add(tell)
      return () => listeners.delete(tell)
    },
    onState: () => () => {},
    close: async () => {},
  }
  return {
    informer,
    show(next: readonly KubernetesObject[]) {
      shown = next
      for (const listener of listeners) listener()
    },
  }
}

const clusterObject = (name: string): KubernetesObject => ({
  apiVersion: 'mooring.dev/v1alpha1',
  kind: 'NomadCluster',
  metadata: { name, uid: `uid-of-${name}` },
  spec: { address: 'http://127.0.0.1:9' },
})

function start(options: {
  readonly clusters: readonly KubernetesObject[]
  readonly objects?: readonly KubernetesObject[]
  /** Of the object whose status nobody can write. */
  readonly unwritable?: string
}) {
  const clusters = informerOf(options.clusters)
  const started: string[] = []
  const ended: string[] = []
  const reasons = new Map<string, string | undefined>()
  const running = startNomadClusters({
    async start(name) {
      started.push(name)
      return { isManaging: () => false, close: async () => void ended.push(name) }
    },
    clusters: clusters.informer,
    objects: [informerOf(options.objects ?? []).informer],
    writer: {
      current: (object) => object,
      async writeStatus(object, change) {
        const { name } = object.metadata
        if (name === options.unwritable) throw new Error('no')
        reasons.set(name, change(readStatus(object))?.conditions?.[0]?.reason)
      },
      addFinalizer: async () => {},
      removeFinalizer: async () => {},
      event() {},
    },
    namespace: 'mooring-system',
    readSecret: async () => undefined,
    onSecret: () => () => {},
    clock: adjustableClock(),
    log: silentLog,
  })
  onTestFinished(running.close)
  return { clusters, running, started, ended, reasons }
}

it('an object whose status cannot be written keeps no other from being told that its cluster is not there', async () => {
  const objects = ['a', 'b', 'c'].map((name) => volumeObject(name, { cluster: 'nowhere' }))
  const { reasons } = start({ clusters: [], objects, unwritable: 'a' })
  await vi.waitFor(() =>
    expect([...reasons]).toEqual([
      ['b', 'ClusterNotFound'],
      ['c', 'ClusterNotFound'],
    ]),
  )
})

it('a NomadCluster whose status cannot be written keeps no object from being told', async () => {
  const objects = [volumeObject('b', { cluster: 'nowhere' })]
  const { reasons, started } = start({ clusters: [clusterObject('far')], objects, unwritable: 'far' })
  await vi.waitFor(() => expect([...reasons]).toEqual([['b', 'ClusterNotFound']]))
  expect(started).toEqual(['far'])
})

it('the work for a cluster that is gone ends, and nothing of it stays', async () => {
  const { clusters, running, started, ended } = start({
    clusters: [clusterObject('far'), clusterObject('near')],
  })
  await vi.waitFor(() => expect([...running.running().keys()]).toEqual(['far', 'near']))
  clusters.show([clusterObject('near')])
  await vi.waitFor(() => expect([...running.running().keys()]).toEqual(['near']))
  expect([started, ended]).toEqual([['far', 'near'], ['far']])
  await running.close()
  expect([ended, running.running().size]).toEqual([['far', 'near'], 0])
})

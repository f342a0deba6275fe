/** Writes whose answers are lost: carried out or not, what follows is decided by a read. */
import { randomBytes } from 'node:crypto'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import type { KubernetesApi } from '../../../src/kube/api.ts'
import { configMaps } from '../../../src/kube/resources.ts'
import { createConfigMapRecords } from '../../../src/operator/inventory/config-map-records.ts'
import { ensureHashKey } from '../../../src/operator/inventory/kubernetes-hash-key.ts'
import { RecordConflictError } from '../../../src/operator/inventory/record-store.ts'
import { createLeaseLock } from '../../../src/operator/replicas/lease-lock.ts'
import {
  type ApiRequest,
  type FakeKubernetes,
  startFakeKubernetes,
} from '../../fakes/kubernetes/fake-kubernetes.ts'
import { adjustableClock } from '../../helpers/adjustable-clock.ts'
import { connectTo } from '../../helpers/kubernetes-servers.ts'
import { writeTemporaryFile } from '../../helpers/temporary-directory.ts'

const namespace = 'default'
const isWrite = ({ verb }: ApiRequest) => ['create', 'update', 'delete'].includes(verb)
const always = new AbortController().signal

let kubernetes: FakeKubernetes
let api: KubernetesApi

beforeEach(async () => {
  kubernetes = await startFakeKubernetes()
  const connection = await connectTo(writeTemporaryFile('config', kubernetes.kubeconfig()))
  api = connection.api
  onTestFinished(async () => {
    await connection.close()
    await kubernetes.close()
  })
})

describe.each(['lost answer', 'cut', { code: 504, reason: 'Timeout' }] as const)('records: %j', (fault) => {
  const storeOf = () => createConfigMapRecords({ api, namespace, instance: 'main' })

  it('are written once, and their version is the one that is there', async () => {
    const store = storeOf()
    kubernetes.fail(isWrite, fault)
    const first = await store.write('data', 'one', undefined)
    kubernetes.fail(isWrite, fault)
    const second = await store.write('data', 'two', first)
    expect(await store.load()).toEqual([{ name: 'data', text: 'two', version: second }])
    kubernetes.fail(isWrite, fault)
    await store.remove('data', second)
    expect(await store.load()).toEqual([])
  })

  it('are a conflict where another wrote in between', async () => {
    const store = storeOf()
    const first = await store.write('data', 'one', undefined)
    const [object] = (await api.list(configMaps, { namespace })).items
    await api.patchMetadata(
      configMaps,
      { namespace, name: object?.metadata.name ?? '' },
      { labels: { touched: 'yes' } },
    )
    kubernetes.fail(isWrite, fault)
    await expect(store.write('data', 'two', first)).rejects.toThrow(RecordConflictError)
    expect(await store.load()).toMatchObject([{ text: 'one' }])
  })
})

it('a record that cannot be written fails as ambiguous, and nothing is there', async () => {
  const store = createConfigMapRecords({ api, namespace, instance: 'main' })
  kubernetes.fail(isWrite, 'cut', 10)
  await expect(store.write('data', 'one', undefined)).rejects.toMatchObject({ kind: 'ambiguous' })
  expect(await store.load()).toEqual([])
})

it('a right that is missing is told, not taken for another writer', async () => {
  const store = createConfigMapRecords({ api, namespace, instance: 'main' })
  kubernetes.fail(isWrite, { code: 403, reason: 'Forbidden' })
  await expect(store.write('data', 'one', undefined)).rejects.toMatchObject({ code: 403 })
})

it.each(['lost answer', 'cut'] as const)(
  'a lease lock is held for certain or asked for again: %s',
  async (fault) => {
    const clock = adjustableClock()
    const options = { api, namespace, name: 'leader', leaseDurationSeconds: 15, clock }
    const lock = createLeaseLock({ ...options, identity: 'one' })
    kubernetes.fail(isWrite, fault)
    await expect(lock.acquire(always)).rejects.toMatchObject({ kind: 'ambiguous' })
    expect(await lock.acquire(always)).toBe(true)
    kubernetes.fail(isWrite, fault)
    await expect(lock.renew(always)).rejects.toMatchObject({ kind: 'ambiguous' })
    expect(await lock.renew(always)).toBe(true)
    const other = createLeaseLock({ ...options, identity: 'two' })
    expect(await other.acquire(always)).toBe(false)
  },
)

it('a hash key whose answer was lost is the one that is there', async () => {
  kubernetes.fail(isWrite, 'lost answer')
  const ensure = () => ensureHashKey({ api, namespace, name: 'key', randomBytes })
  const key = await ensure()
  expect(await ensure()).toEqual(key)
})

/** What Mooring keeps in Kubernetes, on the double and on any real API server. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { KubernetesApi } from '../../../../src/kube/api.ts'
import { createEventWriter } from '../../../../src/kube/event-writer.ts'
import { type Informer, startInformer } from '../../../../src/kube/informer.ts'
import { configMaps, events, leases, namespaces, secrets } from '../../../../src/kube/resources.ts'
import { createSecretReader } from '../../../../src/kube/secret-reader.ts'
import { systemClock } from '../../../../src/lib/clock.ts'
import { silentLog } from '../../../../src/lib/log.ts'
import { createConfigMapRecords } from '../../../../src/operator/inventory/config-map-records.ts'
import { ensureHashKey } from '../../../../src/operator/inventory/kubernetes-hash-key.ts'
import { RecordConflictError } from '../../../../src/operator/inventory/record-store.ts'
import { createLeaseLock } from '../../../../src/operator/replicas/lease-lock.ts'
import { aWidget, serveWidgets, widgets } from '../../../builders/widgets.ts'
import { adjustableClock } from '../../../helpers/adjustable-clock.ts'
import { kubernetesServers, type TestServer } from '../../../helpers/kubernetes-servers.ts'

const always = new AbortController().signal
const common = { clock: systemClock, random: () => 0.5, log: silentLog }

describe.each(kubernetesServers)('kept in Kubernetes: $title', ({ start }) => {
  let server: TestServer
  let api: KubernetesApi
  let namespace: string

  beforeAll(async () => {
    server = await start()
    api = server.connection.api
    namespace = `mooring-test-${randomBytes(4).toString('hex')}`
    await api.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
    await serveWidgets(api)
  })

  afterAll(async () => {
    await api.delete(namespaces, { name: namespace })
    await server.close()
  })

  describe('a lease lock', () => {
    const clock = adjustableClock()
    const lockOf = (name: string, identity: string) =>
      createLeaseLock({ api, namespace, name, identity, leaseDurationSeconds: 15, clock })
    const read = async (name: string) => (await api.get(leases, { namespace, name }))?.spec

    it('is held by one at a time, and taken over when its record stood still for its duration', async () => {
      const [one, two] = [lockOf('takeover', 'one'), lockOf('takeover', 'two')]
      expect(await one.acquire(always)).toBe(true)
      expect(await read('takeover')).toMatchObject({
        holderIdentity: 'one',
        leaseDurationSeconds: 15,
        leaseTransitions: 0,
        acquireTime: '2026-01-02T03:04:05.000000Z',
      })
      // The first look only begins to count, whatever the record says of its age.
      clock.advance(60_000)
      expect(await two.acquire(always)).toBe(false)
      expect(two.holder()).toBe('one')
      clock.advance(10_000)
      expect(await one.renew(always)).toBe(true)
      expect(await two.acquire(always)).toBe(false)
      clock.advance(14_999)
      expect(await two.acquire(always)).toBe(false)
      clock.advance(1)
      expect(await two.acquire(always)).toBe(true)
      expect(await read('takeover')).toMatchObject({ holderIdentity: 'two', leaseTransitions: 1 })
      expect(await one.renew(always)).toBe(false)
      expect(one.holder()).toBe('two')
      // It is not his to release.
      await one.release()
      expect(await read('takeover')).toMatchObject({ holderIdentity: 'two' })
      expect(await two.renew(always)).toBe(true)
    })

    it('is free at once when it is released', async () => {
      const [one, two] = [lockOf('released', 'one'), lockOf('released', 'two')]
      await one.acquire(always)
      expect(await two.acquire(always)).toBe(false)
      await one.release()
      expect(one.holder()).toBeUndefined()
      expect(await one.renew(always)).toBe(false)
      expect(await two.acquire(always)).toBe(true)
      expect(await read('released')).toMatchObject({ holderIdentity: 'two', leaseTransitions: 1 })
    })

    it('is lost to a holder who came and went meanwhile', async () => {
      const [one, two] = [lockOf('meanwhile', 'one'), lockOf('meanwhile', 'two')]
      await one.acquire(always)
      await two.acquire(always)
      clock.advance(15_000)
      await two.acquire(always)
      await two.release()
      expect(await one.renew(always)).toBe(false)
    })

    it('is renewed though a person annotated it, and created again though one deleted it', async () => {
      const lock = lockOf('touched', 'one')
      await lock.acquire(always)
      await api.patchMetadata(leases, { namespace, name: 'touched' }, { annotations: { note: 'mine' } })
      expect(await lock.renew(always)).toBe(true)
      expect((await api.get(leases, { namespace, name: 'touched' }))?.metadata.annotations).toMatchObject({
        note: 'mine',
      })
      await api.delete(leases, { namespace, name: 'touched' })
      expect(await lock.renew(always)).toBe(false)
      expect(await lock.acquire(always)).toBe(true)
    })

    it('goes to one of those who try at once', async () => {
      const all = Array.from({ length: 8 }, (_, index) => lockOf('together', `replica-${index}`))
      const got = await Promise.all(all.map((lock) => lock.acquire(always)))
      expect(got.filter(Boolean)).toHaveLength(1)
    })
  })

  describe('records', () => {
    it('are created, replaced by version, listed and removed', async () => {
      const store = createConfigMapRecords({ api, namespace, instance: 'main' })
      const other = createConfigMapRecords({ api, namespace, instance: 'other' })
      const name = 'Volume prod/default/データ [0]'
      const first = await store.write(name, '{"a":1}', undefined)
      await other.write(name, 'theirs', undefined)
      expect(await store.load()).toEqual([{ name, text: '{"a":1}', version: first }])
      const second = await store.write(name, '{"a":2}', first)
      expect(second).not.toBe(first)
      await expect(store.write(name, '{"a":3}', first)).rejects.toThrow(RecordConflictError)
      await expect(store.write(name, '{"a":3}', undefined)).rejects.toThrow(RecordConflictError)
      await expect(store.remove(name, first)).rejects.toThrow(RecordConflictError)
      expect(await store.load()).toEqual([{ name, text: '{"a":2}', version: second }])
      await store.remove(name, second)
      await store.remove(name, second)
      expect(await store.load()).toEqual([])
      await expect(store.write(name, '{"a":4}', second)).rejects.toThrow(RecordConflictError)
      expect(await other.load()).toMatchObject([{ text: 'theirs' }])
    })

    it('are refused where a person broke one', async () => {
      const store = createConfigMapRecords({ api, namespace, instance: 'broken' })
      await store.write('data', 'text', undefined)
      const labelSelector = 'mooring.dev/inventory=broken'
      const [object] = (await api.list(configMaps, { namespace, labelSelector })).items
      await api.patchMetadata(
        configMaps,
        { namespace, name: object?.metadata.name ?? '' },
        { annotations: { 'mooring.dev/record': null } },
      )
      await expect(store.load()).rejects.toThrow(/lacks annotation mooring\.dev\/record/)
    })
  })

  describe('the hash key', () => {
    it('is the same for replicas that start together, and later', async () => {
      const ensure = () => ensureHashKey({ api, namespace, name: 'hash-key', randomBytes })
      const keys = await Promise.all([ensure(), ensure(), ensure()])
      keys.push(await ensure())
      expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(1)
      expect(keys[0]).toHaveLength(32)
    })

    it('is refused where the Secret holds another thing', async () => {
      await api.create(secrets, {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'no-key', namespace },
        data: { key: 'c2hvcnQ=' },
      })
      const ensure = ensureHashKey({ api, namespace, name: 'no-key', randomBytes })
      await expect(ensure).rejects.toMatchObject({ kind: 'permanent', reason: 'HashKeyUnreadable' })
    })
  })

  describe('Secrets', () => {
    it('are read by key, and watched from then on', async () => {
      const changes: string[] = []
      const reader = createSecretReader({
        ...common,
        api,
        onChange: (home, name) => changes.push(`${home}/${name}`),
      })
      onTestFinished(() => reader.close())
      const put = (name: string, value: string) =>
        api.apply(
          secrets,
          { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, data: { word: btoa(value) } },
          { fieldManager: 'test', force: true },
        )
      await put('watched', 'first')
      expect(await reader.read(namespace, 'watched', 'word')).toBe('first')
      expect(await reader.read(namespace, 'watched', 'toString')).toBeUndefined()
      expect(await reader.read(namespace, 'later', 'word')).toBeUndefined()
      await put('unread', 'other')
      await put('watched', 'second')
      await vi.waitFor(() => expect(changes).toEqual([`${namespace}/watched`]), 5000)
      expect(await reader.read(namespace, 'watched', 'word')).toBe('second')
      await put('later', 'here')
      await vi.waitFor(() => expect(changes).toContain(`${namespace}/later`), 5000)
      await api.delete(secrets, { namespace, name: 'watched' })
      await vi.waitFor(
        async () => expect(await reader.read(namespace, 'watched', 'word')).toBeUndefined(),
        5000,
      )
      expect(changes).not.toContain(`${namespace}/unread`)
    })
  })

  describe('Events', () => {
    it('are written about an object, and counted up', async () => {
      const about = await api.create(widgets, aWidget(namespace, 'told'))
      const writer = createEventWriter({ ...common, api, instance: 'replica-0' })
      const note = { type: 'Warning' as const, reason: 'Refused', message: 'not like this' }
      writer.record(about, note)
      writer.record(about, note)
      writer.record(about, { type: 'Normal', reason: 'Created', message: 'there it is' })
      await writer.close()
      const { items } = await api.list(events, {
        namespace,
        fieldSelector: 'involvedObject.name=told',
      })
      const told = items.map(({ type, reason, count, message }) => ({ type, reason, count, message }))
      expect(told.sort((a, b) => String(a.reason).localeCompare(String(b.reason)))).toEqual([
        { type: 'Normal', reason: 'Created', count: 1, message: 'there it is' },
        { type: 'Warning', reason: 'Refused', count: 2, message: 'not like this' },
      ])
      expect(items[0]?.involvedObject).toMatchObject({ kind: 'Widget', uid: about.metadata.uid })
    })
  })

  describe('an informer', () => {
    it('knows what is there and what becomes of it', async () => {
      const home = `${namespace}-informed`
      await api.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: home } })
      await api.create(widgets, aWidget(home, 'early'))
      const informer: Informer = startInformer({ ...common, api, resource: widgets, namespaces: [home] })
      onTestFinished(async () => {
        await informer.close()
        await api.delete(namespaces, { name: home })
      })
      await informer.synced()
      expect(informer.list().map(({ metadata }) => metadata.name)).toEqual(['early'])
      const created = await api.create(widgets, aWidget(home, 'late'))
      informer.remember(created)
      expect(informer.get(home, 'late')).toEqual(created)
      await api.delete(widgets, { namespace: home, name: 'early' })
      await vi.waitFor(() => expect(informer.get(home, 'early')).toBeUndefined(), 5000)
      expect(informer.get(home, 'late')).toEqual(created)
      expect(informer.state()).toMatchObject({ hasSynced: true, complete: true, problem: undefined })
    })
  })
})

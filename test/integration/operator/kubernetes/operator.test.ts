import { describe, expect, it, vi } from 'vitest'
import { namespaces, secrets } from '../../../../src/kube/resources.ts'
import { runMooring } from '../../../helpers/run-mooring.ts'
import { startKubernetes, statusOf, volumeSpec } from '../../../helpers/start-kubernetes.ts'

const waiting = { timeout: 30_000, interval: 50 }

/** The value of `mooring.dev/confirm-delete` that a message tells a person to write. */
const confirmationIn = (message = '') => /confirm-delete=(\S+?)[,.] /.exec(message)?.[1] ?? 'none'

describe('mooring run --kubernetes', () => {
  it('makes objects real, expands them, and ends them by their policies', async () => {
    const kube = await startKubernetes()
    const operator = kube.startOperator()
    for (const policy of ['Retain', 'Deregister', 'Delete']) {
      await kube.apply('Volume', policy.toLowerCase(), volumeSpec({ deletionPolicy: policy }))
    }
    const retain = await kube.settled('Volume', 'retain', 'AsDeclared')
    const deregister = await kube.settled('Volume', 'deregister', 'AsDeclared')
    await kube.settled('Volume', 'delete', 'AsDeclared')
    expect(statusOf(retain)).toMatchObject({ capacity: '1Mi', externalID: expect.stringMatching(/^retain-/) })
    await vi.waitFor(async () => {
      expect((await kube.find('Volume', 'retain'))?.metadata.finalizers ?? []).toEqual([])
    }, waiting)
    expect(deregister.metadata.finalizers).toEqual(['mooring.dev/end'])

    await kube.apply('Volume', 'retain', volumeSpec({ capacity: { min: '3Mi' }, deletionPolicy: 'Retain' }))
    const expanded = await kube.settled('Volume', 'retain', 'AsDeclared')
    expect(statusOf(expanded).capacity).toBe('3Mi')

    for (const name of ['retain', 'deregister', 'delete']) await kube.remove('Volume', name)
    for (const name of ['retain', 'deregister', 'delete']) await kube.gone('Volume', name)
    await vi.waitFor(async () => {
      expect((await kube.nomad.list()).map(({ ID }) => ID)).toEqual(['retain'])
      expect(operator.log.filter(({ msg }) => msg === 'no longer managed')).toHaveLength(3)
    }, waiting)
    expect(kube.nomad.directories().map((name) => name.replace(/-[0-9a-f]{10}$/, ''))).toEqual([
      'deregister',
      'retain',
    ])
    await vi.waitFor(async () => {
      const reasons = await kube.reasonsOfEvents()
      expect(reasons).toEqual(expect.arrayContaining(['CreateVolume', 'ExpandVolume', 'DeleteVolume']))
    }, waiting)
    operator.signal('SIGTERM')
    expect(await operator.exited()).toBe(0)
  })

  it('writes nothing while nothing changes, and looks again when a person asks', async () => {
    const kube = await startKubernetes()
    const operator = kube.startOperator('--resync', '200ms', '--log-level', 'debug')
    await kube.apply('Volume', 'data', volumeSpec())
    await kube.settled('Volume', 'data', 'AsDeclared')
    const passes = () => operator.log.filter(({ msg }) => msg === 'pass ended').length
    const moreThan = (count: number) => vi.waitFor(() => expect(passes()).toBeGreaterThan(count), waiting)
    await moreThan(passes() + 2)
    const writes = () =>
      kube.fake.requests.filter(
        ({ verb, plural }) =>
          ['patch', 'update', 'create'].includes(verb) && !['leases', 'events'].includes(plural),
      ).length
    const before = writes()
    await moreThan(passes() + 4)
    expect(writes()).toBe(before)

    await kube.annotate('Volume', 'data', { 'mooring.dev/reconcile-at': 'monday' })
    await vi.waitFor(async () => {
      expect(statusOf(await kube.find('Volume', 'data'))).toMatchObject({ lastHandledReconcileAt: 'monday' })
    }, waiting)
  })

  it.each([
    // Its finalizer goes again: what Retain keeps, the object need not outlive.
    ['Retain', { 'patch volumes': 1 + 2 }],
    ['Delete', { 'patch volumes': 1 + 1 }],
  ])('writes so often until a new Volume is Ready: deletionPolicy %s', async (deletionPolicy, ofObject) => {
    const kube = await startKubernetes()
    kube.startOperator()
    await kube.apply('Volume', 'first', volumeSpec())
    await kube.settled('Volume', 'first', 'AsDeclared')
    const before = kube.fake.requests.length
    await kube.apply('Volume', 'data', volumeSpec({ deletionPolicy }))
    await kube.settled('Volume', 'data', 'AsDeclared')
    const written = () => {
      const writes = kube.fake.requests
        .slice(before)
        .filter(({ verb, plural }) => ['patch', 'update', 'create'].includes(verb) && plural !== 'leases')
        .filter(({ name = '', plural }) => plural === 'configmaps' || name.startsWith('data'))
      const titles = writes.map(({ verb, plural, subresource }) =>
        [verb, subresource === undefined ? plural : `${plural}/${subresource}`].join(' '),
      )
      return Object.fromEntries([...Map.groupBy(titles, String)].map(([title, all]) => [title, all.length]))
    }
    // This test's own, the finalizer, the status once, the record before the call and after it, and an Event a step.
    await vi.waitFor(
      () =>
        expect(written()).toMatchObject({
          ...{ 'patch volumes/status': 1, 'create configmaps': 1, 'update configmaps': 1, 'patch events': 2 },
          ...ofObject,
        }),
      waiting,
    )
  })

  it('deletes nothing with a namespace that goes unless it is confirmed, and lets go of what is released', async () => {
    const kube = await startKubernetes()
    kube.startOperator()
    for (const name of ['confirmed', 'released']) {
      await kube.apply('Volume', name, volumeSpec({ deletionPolicy: 'Delete' }))
    }
    await kube.apply('Volume', 'suspended', volumeSpec({ deletionPolicy: 'Delete', suspend: true }))
    await kube.settled('Volume', 'confirmed', 'AsDeclared')
    await kube.settled('Volume', 'released', 'AsDeclared')
    await kube.settled('Volume', 'suspended', 'Suspended')
    // As it stands in a manifest in Git since the last time.
    await kube.annotate('Volume', 'confirmed', { 'mooring.dev/confirm-delete': 'true' })
    await kube.annotate('Volume', 'released', { 'mooring.dev/confirm-delete': '2020-01-01T00:00:00Z' })
    await kube.api.delete(namespaces, { name: 'team-a' })
    let confirmation = ''
    for (const name of ['released', 'confirmed']) {
      const held = await kube.settled('Volume', name, 'DeleteUnconfirmed')
      confirmation = confirmationIn(kube.messageOf(held))
      expect(kube.messageOf(held)).toContain('namespace "team-a"')
    }
    await kube.gone('Volume', 'suspended')
    expect(kube.nomad.directories()).toHaveLength(2)

    await kube.annotate('Volume', 'confirmed', { 'mooring.dev/confirm-delete': confirmation })
    await kube.annotate('Volume', 'released', { 'mooring.dev/release': 'retain' })
    await kube.gone('Volume', 'confirmed')
    await kube.gone('Volume', 'released')
    expect(kube.nomad.directories().map((name) => name.slice(0, 8))).toEqual(['released'])
    await vi.waitFor(async () => {
      expect(await kube.api.get(namespaces, { name: 'team-a' })).toBeUndefined()
    }, waiting)
  })

  it('holds more deletions at once than --max-prune, and a delete whose Secret is missing', async () => {
    const kube = await startKubernetes()
    kube.startOperator()
    await kube.api.create(secrets, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'disk', namespace: 'team-a' },
      data: { password: Buffer.from('one').toString('base64') },
    })
    const names = ['a', 'b', 'c', 'd']
    for (const name of names) await kube.apply('Volume', name, volumeSpec({ deletionPolicy: 'Delete' }))
    const reference = { password: { fromSecret: { name: 'disk', key: 'password' } } }
    await kube.apply('Volume', 'locked', volumeSpec({ deletionPolicy: 'Delete', secrets: reference }))
    for (const name of [...names, 'locked']) await kube.settled('Volume', name, 'AsDeclared')

    // A new value is applied as soon as it is there.
    const secret = await kube.api.get(secrets, { namespace: 'team-a', name: 'disk' })
    if (secret === undefined) throw new Error('the Secret is gone')
    await kube.api.update(secrets, { ...secret, data: { password: Buffer.from('two').toString('base64') } })
    await vi.waitFor(async () => {
      expect(statusOf(await kube.find('Volume', 'locked')).lastStep?.step).toBe('update-volume')
    }, waiting)

    for (const name of names) await kube.remove('Volume', name)
    for (const name of names) {
      const held = await kube.settled('Volume', name, 'TooManyEnds')
      expect(kube.messageOf(held)).toContain('4 objects are deleted at once and --max-prune allows 3')
    }
    // To confirm one of them ends that one alone, however few are left.
    for (const name of names) {
      expect(await kube.find('Volume', name)).toBeDefined()
      const held = kube.messageOf(await kube.settled('Volume', name, 'TooManyEnds'))
      await kube.annotate('Volume', name, { 'mooring.dev/confirm-delete': confirmationIn(held) })
      await kube.gone('Volume', name)
    }

    await kube.api.delete(secrets, { namespace: 'team-a', name: 'disk' })
    await kube.remove('Volume', 'locked')
    const locked = await kube.settled('Volume', 'locked', 'SecretNotFound')
    expect(kube.messageOf(locked)).toContain('mooring.dev/release=retain')
    await kube.annotate('Volume', 'locked', { 'mooring.dev/release': 'retain' })
    await kube.gone('Volume', 'locked')
    expect(kube.nomad.directories()).toHaveLength(1)
  })

  it('refuses a Nomad namespace that is not mapped, and a second object for a volume', async () => {
    const kube = await startKubernetes()
    kube.startOperator('--namespace-mapping', 'team-a=default,batch')
    await kube.apply('Volume', 'data', volumeSpec())
    await kube.settled('Volume', 'data', 'AsDeclared')
    await kube.apply('Volume', 'foreign', volumeSpec({ namespace: 'prod' }))
    const foreign = await kube.settled('Volume', 'foreign', 'Invalid')
    expect(kube.messageOf(foreign)).toMatch(/^spec\.namespace is "prod".*"default" and "batch"/)
    await kube.apply('Volume', 'again', volumeSpec({ volumeID: 'data', deletionPolicy: 'Delete' }))
    const again = await kube.settled('Volume', 'again', 'OwnedElsewhere')
    expect(kube.messageOf(again)).toContain('kubernetes Volume team-a/data')

    for (const name of ['foreign', 'again']) await kube.remove('Volume', name)
    for (const name of ['foreign', 'again']) await kube.gone('Volume', name)
    expect((await kube.nomad.list()).map(({ ID }) => ID)).toEqual(['data'])
  })

  it('restores a volume once by an annotation that names what it replaces', async () => {
    const kube = await startKubernetes()
    const operator = kube.startOperator()
    await kube.apply('Volume', 'data', volumeSpec())
    const before = statusOf(await kube.settled('Volume', 'data', 'AsDeclared')).externalID ?? ''
    await kube.apply('Snapshot', 'good', { volume: 'data' })
    await kube.settled('Snapshot', 'good', 'ReadyToUse')

    await kube.annotate('Volume', 'data', { 'mooring.dev/restore-from': 'good@another' })
    await vi.waitFor(async () => expect(await kube.reasonsOfEvents()).toContain('RestoreRefused'), waiting)
    const order = { 'mooring.dev/restore-from': `good@${before}` }
    await kube.annotate('Volume', 'data', order)
    await vi.waitFor(async () => {
      const { externalID } = statusOf(await kube.find('Volume', 'data'))
      expect(externalID).not.toBe(before)
    }, waiting)
    await kube.settled('Volume', 'data', 'AsDeclared')
    await kube.annotate('Volume', 'data', { 'mooring.dev/reconcile-at': 'now' })
    await vi.waitFor(async () => {
      expect(statusOf(await kube.find('Volume', 'data'))).toMatchObject({
        lastHandledReconcileAt: 'now',
        lastHandledRestoreFrom: `good@${before}`,
      })
    }, waiting)
    expect(kube.nomad.directories()).toHaveLength(2)
    expect(operator.log.filter(({ step }) => step === 'begin-restore')).toHaveLength(1)

    const restored = statusOf(await kube.find('Volume', 'data')).externalID ?? ''
    await kube.annotate('Volume', 'data', { 'mooring.dev/restore-from': `replaced:${before}@${restored}` })
    await vi.waitFor(async () => {
      expect(statusOf(await kube.find('Volume', 'data')).externalID).toBe(before)
    }, waiting)
    await kube.settled('Volume', 'data', 'AsDeclared')
  })

  it('shows the snapshots of a schedule as objects, which a person may delete', async () => {
    const kube = await startKubernetes()
    const operator = kube.startOperator()
    await kube.apply('Volume', 'data', volumeSpec())
    await kube.settled('Volume', 'data', 'AsDeclared')
    const retention = { keepLast: 2 }
    await kube.apply('SnapshotSchedule', 'yearly', {
      schedule: '0 0 1 1 *',
      volumes: { names: ['data'] },
      retention,
    })
    await kube.settled('SnapshotSchedule', 'yearly', 'Scheduled')
    // Two runs of one second would have one name, so the second of them is refused.
    const take = () =>
      vi.waitFor(
        async () =>
          expect(
            await runMooring(['snapshot', 'now', 'yearly', '--data-dir', operator.dataDirectory]),
          ).toMatchObject({ status: 0, stderr: '' }),
        waiting,
      )
    await kube.annotate('SnapshotSchedule', 'yearly', { 'mooring.dev/snapshot-now': 'before the upgrade' })
    const [object] = await vi.waitFor(async () => {
      const found = await kube.list('Snapshot')
      expect(found).toHaveLength(1)
      return found
    }, waiting)
    const name = object?.metadata.name ?? ''
    expect(object?.metadata).toMatchObject({
      labels: { 'mooring.dev/schedule': 'yearly' },
      namespace: 'team-a',
    })
    expect(object?.metadata.ownerReferences).toBeUndefined()
    await kube.settled('Snapshot', name, 'ReadyToUse')
    expect(kube.storedSnapshots()).toHaveLength(1)
    expect((await kube.find('SnapshotSchedule', 'yearly'))?.status).toMatchObject({
      lastHandledSnapshotNow: 'before the upgrade',
    })

    // By its policy, which is Retain unless a person says otherwise: the snapshot itself stays.
    const released = () =>
      operator.log.filter(
        ({ msg, key }) => msg === 'no longer managed' && String(key).startsWith('Snapshot/'),
      )
    await kube.remove('Snapshot', name)
    await vi.waitFor(() => expect(released()).toMatchObject([{ reason: 'Retained' }]), waiting)
    expect(await kube.list('Snapshot')).toEqual([])
    expect(kube.storedSnapshots()).toHaveLength(1)

    await take()
    const second = await vi.waitFor(async () => {
      const [found] = await kube.list('Snapshot')
      expect(found).toBeDefined()
      return found?.metadata.name ?? ''
    }, waiting)
    await kube.settled('Snapshot', second, 'ReadyToUse')
    await kube.apply('Snapshot', second, { volume: 'data', deletionPolicy: 'Delete' })
    await vi.waitFor(async () => {
      expect((await kube.find('Snapshot', second))?.metadata.finalizers).toEqual(['mooring.dev/end'])
    }, waiting)
    await kube.remove('Snapshot', second)
    await kube.gone('Snapshot', second)
    expect(kube.storedSnapshots()).toHaveLength(1)
  })
})

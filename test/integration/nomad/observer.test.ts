import pino from 'pino'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../../src/lib/clock.ts'
import { silentLog } from '../../../src/lib/log.ts'
import { createNomadClient, type NomadClient } from '../../../src/nomad/client.ts'
import {
  createObserver,
  type NomadObserver,
  type ObservedChange,
  type ObserverOptions,
} from '../../../src/nomad/observer.ts'
import { anExternalVolume, aPlugin, aSnapshot, aVolume } from '../../builders/nomad.ts'
import { type FakeNomad, startFakeNomad } from '../../fakes/fake-nomad.ts'

let nomad: FakeNomad
let client: NomadClient
const observers: NomadObserver[] = []

beforeEach(async () => {
  nomad = await startFakeNomad()
  client = createNomadClient({ address: nomad.address, clock: systemClock })
})
afterEach(async () => {
  for (const observer of observers.splice(0)) await observer.close()
  await client.close()
  await nomad.close()
})

/** Polls so seldom that what a test sees came by a blocking query, unless it says otherwise. */
function observe(options: Partial<ObserverOptions> = {}): NomadObserver & { changes: ObservedChange[] } {
  const observer = createObserver({
    client,
    clock: systemClock,
    random: () => 0.999,
    log: silentLog,
    pollMs: 60_000,
    ...options,
  })
  observers.push(observer)
  const changes: ObservedChange[] = []
  observer.onChange((change) => changes.push(change))
  return { ...observer, changes }
}

const volumeChange = (volumeID: string, namespace = 'default') => ({ type: 'volume', namespace, volumeID })
/** A blocking query is open on the table. */
const untilBlocked = (path: string) =>
  vi.waitFor(() =>
    expect(nomad.requests.some((request) => request.path === path && request.query.has('index'))).toBe(true),
  )

describe('volumes', () => {
  it('waits for the first list, and answers what is not in it without a request', async () => {
    nomad.putVolume(aVolume('data'))
    const observer = observe()
    expect(await observer.volume('default', 'data')).toMatchObject({ ID: 'data', Capacity: 1024 })
    expect(await observer.volume('default', 'other')).toBeUndefined()
    expect(nomad.count('GET /v1/volume/csi/')).toBe(1)
  })

  it('makes no request for each volume while nothing changes (nomad#26766)', async () => {
    const ids = Array.from({ length: 50 }, (_, index) => `data[${index}]`)
    nomad.putVolume(...ids.map((id) => aVolume(id)))
    const observer = observe({ pollMs: 20 })
    const resync = () => Promise.all(ids.map((id) => observer.volume('default', id)))
    await resync()
    await vi.waitFor(() => expect(nomad.count('GET /v1/volumes')).toBeGreaterThanOrEqual(5))
    await resync()
    expect(nomad.count('GET /v1/volume/csi/')).toBe(50)
    // Before 1.11.1 reading the event stream redacted the secrets that Nomad keeps.
    expect(nomad.count('GET /v1/event')).toBe(0)
    expect(observer.changes).toEqual([])
  })

  it('tells of volumes that come, change and go, and reads each again', async () => {
    nomad.putVolume(aVolume('stays'), aVolume('changes'), aVolume('goes'))
    const observer = observe()
    for (const id of ['stays', 'changes', 'goes']) await observer.volume('default', id)
    nomad.putVolume(aVolume('changes', { Capacity: 4096 }), aVolume('comes'))
    nomad.removeVolume('default', 'goes')
    await vi.waitFor(() =>
      expect(observer.changes).toEqual(
        expect.arrayContaining([volumeChange('changes'), volumeChange('comes'), volumeChange('goes')]),
      ),
    )
    expect(observer.changes).toHaveLength(3)
    expect(await observer.volume('default', 'changes')).toMatchObject({ Capacity: 4096 })
    expect(await observer.volume('default', 'comes')).toBeDefined()
    expect(await observer.volume('default', 'goes')).toBeUndefined()
    expect(await observer.volume('default', 'stays')).toBeDefined()
    expect(nomad.requests.filter(({ path }) => path === '/v1/volume/csi/stays')).toHaveLength(1)
  })

  it('watches each namespace for itself', async () => {
    nomad.putVolume(aVolume('data'), aVolume('data', { Namespace: 'prod', Capacity: 2048 }))
    const observer = observe()
    expect(await observer.volume('prod', 'data')).toMatchObject({ Namespace: 'prod', Capacity: 2048 })
    expect(await observer.volume('default', 'data')).toMatchObject({ Namespace: 'default', Capacity: 1024 })
    nomad.putVolume(aVolume('data', { Namespace: 'prod' }))
    await vi.waitFor(() => expect(observer.changes).toEqual([volumeChange('data', 'prod')]))
  })

  it('reads again after an invalidation, whatever the list says', async () => {
    nomad.putVolume(aVolume('data'))
    const observer = observe()
    await observer.volume('default', 'data')
    await observer.volume('default', 'none')
    nomad.changeSilently((volume) => ({ ...volume, Capacity: 9999 }))
    observer.invalidate({ volume: { namespace: 'default', volumeID: 'data' } })
    observer.invalidate({ volume: { namespace: 'default', volumeID: 'none' } })
    expect(await observer.volume('default', 'data')).toMatchObject({ Capacity: 9999 })
    expect(await observer.volume('default', 'none')).toBeUndefined()
    expect(nomad.count('GET /v1/volume/csi/')).toBe(3)
    await observer.volume('default', 'data')
    await observer.volume('default', 'none')
    expect(nomad.count('GET /v1/volume/csi/')).toBe(3)
  })

  it('does not share a request that began before the invalidation', async () => {
    nomad.putVolume(aVolume('data'))
    const observer = observe()
    const gate = Promise.withResolvers<void>()
    await observer.volume('default', 'other')
    nomad.hold = gate.promise
    const before = observer.volume('default', 'data')
    await vi.waitFor(() => expect(nomad.count('GET /v1/volume/csi/')).toBe(1))
    nomad.hold = undefined
    nomad.changeSilently((volume) => ({ ...volume, Capacity: 9999 }))
    observer.invalidate({ volume: { namespace: 'default', volumeID: 'data' } })
    const [first, second] = [observer.volume('default', 'data'), observer.volume('default', 'data')]
    expect(await first).toMatchObject({ Capacity: 9999 })
    expect(await second).toMatchObject({ Capacity: 9999 })
    gate.resolve()
    expect(await before).toMatchObject({ Capacity: 1024 })
    expect(await observer.volume('default', 'data')).toMatchObject({ Capacity: 9999 })
    expect(nomad.count('GET /v1/volume/csi/')).toBe(2)
  })

  it('shows a volume just created though the list before it arrives after it', async () => {
    const gate = Promise.withResolvers<void>()
    const observer = observe()
    await observer.volume('default', 'data')
    await untilBlocked('/v1/volumes')
    nomad.hold = gate.promise
    // The list is answered now, without the volume, and arrives later.
    nomad.putVolume(aVolume('noise'))
    await vi.waitFor(() => expect(nomad.count('GET /v1/volumes')).toBeGreaterThanOrEqual(2))
    nomad.hold = undefined
    nomad.putVolume(aVolume('data'))
    observer.invalidate({ volume: { namespace: 'default', volumeID: 'data' } })
    expect(await observer.volume('default', 'data')).toBeDefined()
    gate.resolve()
    await vi.waitFor(() => expect(observer.changes).toEqual([volumeChange('data'), volumeChange('noise')]))
    expect(await observer.volume('default', 'data')).toBeDefined()
  })

  it('reads the list in pages, and tells of what comes, changes and goes in any of them', async () => {
    nomad.largestPage = 2
    nomad.putVolume(...['a', 'b', 'c', 'd', 'e'].map((id) => aVolume(id)))
    const observer = observe()
    expect((await observer.volumeStubs('default')).map(({ ID }) => ID)).toEqual(['a', 'b', 'c', 'd', 'e'])
    nomad.removeVolume('default', 'c')
    nomad.putVolume(aVolume('d', { ExternalID: 'other' }), aVolume('f'))
    await vi.waitFor(() => expect(observer.changes).toHaveLength(3))
    expect(new Set(observer.changes)).toEqual(new Set(['c', 'd', 'f'].map((id) => volumeChange(id))))
    const found = async (id: string) =>
      (await observer.findVolumeStubs('default', 'ExternalID', id)).map(({ ID }) => ID)
    expect([await found('ext-c'), await found('ext-d'), await found('other'), await found('ext-f')]).toEqual([
      [],
      [],
      ['d'],
      ['f'],
    ])
  })

  it('starts over when the index goes backwards, and reads what differs', async () => {
    nomad.putVolume(aVolume('data'), aVolume('later'))
    const observer = observe()
    await observer.volume('default', 'data')
    await observer.volume('default', 'later')
    nomad.changeSilently((volume) => ({ ...volume, ModifyIndex: 3, Capacity: 512 }))
    nomad.restore(3)
    await vi.waitFor(() => expect(observer.changes).toEqual([volumeChange('data'), volumeChange('later')]))
    expect(await observer.volume('default', 'data')).toMatchObject({ Capacity: 512, ModifyIndex: 3 })
    nomad.putVolume(aVolume('data'))
    await vi.waitFor(() => expect(observer.changes).toHaveLength(3))
  })

  it('takes health from the list, which a new version of the volume does not cover', async () => {
    nomad.putVolume(aVolume('data'))
    const observer = observe({ pollMs: 20 })
    expect(await observer.volume('default', 'data')).toMatchObject({ Schedulable: true, NodesHealthy: 1 })
    // Nothing wakes; the list is read afresh when the wait is over.
    nomad.changeSilently((volume) => ({ ...volume, Schedulable: false, NodesHealthy: 0 }))
    await vi.waitFor(() => expect(observer.changes).toEqual([volumeChange('data')]))
    expect(await observer.volume('default', 'data')).toMatchObject({ Schedulable: false, NodesHealthy: 0 })
    expect(nomad.count('GET /v1/volume/csi/')).toBe(1)
  })

  it('takes health from the list as soon as the plugin changes', async () => {
    nomad.putPlugin(aPlugin('ebs'))
    nomad.putVolume(aVolume('data'))
    const observer = observe()
    await observer.plugin('ebs')
    await observer.volume('default', 'data')
    nomad.changeSilently((volume) => ({ ...volume, Schedulable: false, ControllersHealthy: 0 }))
    nomad.putPlugin(aPlugin('ebs', { ControllersHealthy: 0 }))
    await vi.waitFor(() => expect(observer.changes).toContainEqual({ type: 'plugin', pluginID: 'ebs' }))
    expect(await observer.volume('default', 'data')).toMatchObject({
      Schedulable: false,
      ControllersHealthy: 0,
    })
  })
})

describe('a Nomad that does not answer', () => {
  it('is never an empty list: reads reject, and recover (nomad#27546)', async () => {
    nomad.failure = { status: 500, body: 'No cluster leader' }
    const observer = observe()
    await expect(observer.volume('default', 'data')).rejects.toMatchObject({
      kind: 'transient',
      reason: 'NoLeader',
    })
    nomad.failure = undefined
    nomad.putVolume(aVolume('data'))
    await vi.waitFor(async () => expect(await observer.volume('default', 'data')).toBeDefined(), 5000)
  })

  it('is waited out when it is one cut connection, and its list is compared with the one before', async () => {
    nomad.putVolume(aVolume('data'), aVolume('goes'))
    const lines: string[] = []
    const observer = observe({ log: pino({}, { write: (line: string) => lines.push(line) }) })
    expect(await observer.volume('default', 'goes')).toBeDefined()
    await untilBlocked('/v1/volumes')
    nomad.failure = 'cut'
    nomad.removeVolume('default', 'goes')
    await vi.waitFor(() => expect(lines.join()).toContain('volumes in namespace'))
    nomad.failure = undefined
    expect(await observer.volume('default', 'goes')).toBeUndefined()
    expect(observer.changes).toContainEqual(volumeChange('goes'))
    expect(observer.changes).not.toContainEqual(volumeChange('data'))
  })

  it('rejects rather than show what was before the interruption', async () => {
    nomad.putVolume(aVolume('data'))
    const observer = observe()
    await observer.volume('default', 'data')
    await untilBlocked('/v1/volumes')
    nomad.failure = 'cut'
    nomad.putVolume(aVolume('data'))
    await vi.waitFor(
      () => expect(observer.volume('default', 'data')).rejects.toMatchObject({ reason: 'NomadUnreachable' }),
      5000,
    )
  })
})

describe('plugins', () => {
  it('tells of plugins that come, change and go, and reads each again', async () => {
    nomad.putPlugin(aPlugin('ebs'))
    const observer = observe()
    expect(await observer.plugin('ebs')).toMatchObject({ ID: 'ebs', Version: '1.0.0' })
    expect(await observer.plugin('nfs')).toBeUndefined()
    nomad.putPlugin(aPlugin('nfs'))
    await vi.waitFor(() => expect(observer.changes).toEqual([{ type: 'plugin', pluginID: 'nfs' }]))
    expect(await observer.plugin('nfs')).toBeDefined()
    nomad.removePlugin('ebs')
    await vi.waitFor(() => expect(observer.changes).toHaveLength(2))
    expect(await observer.plugin('ebs')).toBeUndefined()
    expect(nomad.requests.filter(({ path }) => path === '/v1/plugin/csi/nfs')).toHaveLength(1)
  })
})

describe('lists of a plugin', () => {
  it('are shared by callers, and good for a beat', async () => {
    nomad.externalVolumes.set('ebs', [anExternalVolume('vol-1')])
    nomad.snapshots.set('ebs', [aSnapshot('snap-1')])
    const observer = observe()
    await Promise.all(Array.from({ length: 20 }, () => observer.externalVolumes('ebs')))
    await Promise.all(Array.from({ length: 20 }, () => observer.snapshots('ebs')))
    expect([...(await observer.externalVolumes('ebs')).keys()]).toEqual(['vol-1'])
    expect([...(await observer.snapshots('ebs')).keys()]).toEqual(['snap-1'])
    expect(nomad.count('GET /v1/volumes/external')).toBe(1)
    expect(nomad.count('GET /v1/volumes/snapshot')).toBe(1)
  })

  it('are read again after an invalidation', async () => {
    nomad.externalVolumes.set('ebs', [])
    nomad.snapshots.set('ebs', [])
    const observer = observe()
    expect((await observer.externalVolumes('ebs')).size).toBe(0)
    expect((await observer.snapshots('ebs')).size).toBe(0)
    nomad.externalVolumes.set('ebs', [anExternalVolume('vol-1')])
    nomad.snapshots.set('ebs', [aSnapshot('snap-1')])
    observer.invalidate({ pluginID: 'ebs' })
    expect((await observer.externalVolumes('ebs')).size).toBe(1)
    expect((await observer.snapshots('ebs')).size).toBe(1)
  })

  it('reject where there is no answer, and are asked for again by the next caller', async () => {
    nomad.externalVolumes.set('ebs', new Error('no healthy controllers for CSI plugin: ebs'))
    const observer = observe()
    await expect(observer.externalVolumes('ebs')).rejects.toMatchObject({ reason: 'PluginUnavailable' })
    nomad.externalVolumes.set('ebs', [anExternalVolume('vol-1')])
    expect((await observer.externalVolumes('ebs')).size).toBe(1)
  })

  it('are read on a shorter beat while a snapshot is not ready (external-snapshotter#953)', async () => {
    nomad.snapshots.set('ebs', [aSnapshot('snap-1', { IsReady: false })])
    const observer = observe({ notReadyMaxAgeMs: 20 })
    expect((await observer.snapshots('ebs')).get('snap-1')?.IsReady).toBe(false)
    nomad.snapshots.set('ebs', [aSnapshot('snap-1')])
    await vi.waitFor(async () => expect((await observer.snapshots('ebs')).get('snap-1')?.IsReady).toBe(true))
  })
})

describe('close', () => {
  it('ends watches and waiting reads, and leaves no connection once the client is closed', async () => {
    const observer = observe()
    await observer.volume('default', 'data')
    await untilBlocked('/v1/volumes')
    await untilBlocked('/v1/plugins')
    nomad.hold = new Promise(() => {})
    nomad.externalVolumes.set('ebs', [])
    const waiting = observer.externalVolumes('ebs').catch((error: unknown) => error)
    await vi.waitFor(() => expect(nomad.count('GET /v1/volumes/external')).toBe(1))
    await observer.close()
    expect(await waiting).toMatchObject({ kind: 'transient' })
    await expect(observer.volume('default', 'data')).rejects.toMatchObject({ reason: 'Interrupted' })
    await expect(observer.volume('other', 'data')).rejects.toMatchObject({ reason: 'Interrupted' })
    await expect(observer.plugin('ebs')).rejects.toMatchObject({ reason: 'Interrupted' })
    await client.close()
    await vi.waitFor(async () => expect(await nomad.connections()).toBe(0))
  })
})

describe('allocations and nodes', () => {
  it('are listed once for whoever asks, and again after they were invalidated', async () => {
    const observer = observe()
    const ask = () =>
      Promise.all([
        ...Array.from({ length: 50 }, () => observer.allocations('default')),
        ...Array.from({ length: 50 }, () => observer.nodes()),
      ])
    await ask()
    await ask()
    expect(nomad.count('GET /v1/allocations')).toBe(1)
    expect(nomad.count('GET /v1/nodes')).toBe(1)
    observer.invalidate({ allocationsIn: 'other' })
    await ask()
    expect(nomad.count('GET /v1/allocations')).toBe(1)
    observer.invalidate({ allocationsIn: 'default', nodes: true })
    await ask()
    expect(nomad.count('GET /v1/allocations')).toBe(2)
    expect(nomad.count('GET /v1/nodes')).toBe(2)
  })

  it('are looked at anew after a volume changed: claims come and go with allocations', async () => {
    nomad.putVolume(aVolume('data'))
    const observer = observe()
    await observer.volume('default', 'data')
    await observer.allocations('default')
    await untilBlocked('/v1/volumes')
    nomad.putVolume(aVolume('data', { WriteAllocs: { a1: null } }))
    await vi.waitFor(() => expect(observer.changes).toContainEqual(volumeChange('data')))
    await observer.allocations('default')
    expect(nomad.count('GET /v1/allocations')).toBe(2)
  })
})

describe('external volumes', () => {
  it('tells what went, came back or became abnormal, where the list is read for anything', async () => {
    nomad.putVolume(aVolume('data'))
    const list = (...volumes: ReturnType<typeof anExternalVolume>[]) =>
      nomad.externalVolumes.set('ebs', volumes)
    const observer = observe({ maxAgeMs: 0 })
    const read = () => observer.externalVolumes('ebs')
    const told = () =>
      observer.changes
        .splice(0)
        .flatMap((change) => (change.type === 'external volume' ? [[change.externalID, change.isWell]] : []))
    list(anExternalVolume('a'), anExternalVolume('b'))
    await read()
    await read()
    expect(told()).toEqual([])
    list(anExternalVolume('a', { IsAbnormal: true, Status: 'gone' }))
    await read()
    expect(told()).toEqual([
      ['a', false],
      ['b', false],
    ])
    list(anExternalVolume('a'), anExternalVolume('b'))
    await read()
    expect(told()).toEqual([
      ['a', true],
      ['b', true],
    ])
  })
})

import pino from 'pino'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { type Clock, systemClock } from '../../../src/lib/clock.ts'
import { createNomadClient, type NomadClient } from '../../../src/nomad/client.ts'
import type { NomadEvent } from '../../../src/nomad/events.ts'
import { connectionLimit } from '../../../src/nomad/lanes.ts'
import { createObserver, type ObservedChange } from '../../../src/nomad/observer.ts'
import { aPlugin, aVolume } from '../../builders/nomad.ts'
import { type FakeNomad, startFakeNomad } from '../../fakes/fake-nomad.ts'
import { startHttpServer } from '../../fakes/http-server.ts'
import { adjustableClock } from '../../helpers/adjustable-clock.ts'
import { quickClock } from '../../helpers/quick-clock.ts'

let nomad: FakeNomad
let client: NomadClient
beforeEach(async () => {
  nomad = await startFakeNomad()
  client = createNomadClient({ address: nomad.address })
})
afterEach(async () => {
  await client.close()
  await nomad.close()
})

function observe(clock: Clock = systemClock) {
  const lines: string[] = []
  const changes: ObservedChange[] = []
  const observer = createObserver({
    client,
    clock,
    random: () => 0.999,
    log: pino({}, { write: (line: string) => lines.push(line) }),
    pollMs: 60_000,
  })
  onTestFinished(observer.close)
  observer.onChange((change) => changes.push(change))
  return { ...observer, changes, lines }
}

const lists = (path: string) => nomad.requests.filter((request) => request.path === path)

describe('events', () => {
  it('are read of all namespaces, line by line, whatever the pieces that they come in', async () => {
    const events: NomadEvent[] = []
    const abort = new AbortController()
    const reading = client.readEvents({
      onEvent: (event) => events.push(event),
      onAlive: () => {},
      signal: abort.signal,
    })
    await vi.waitFor(() => expect(nomad.listening()).toBe(1))
    expect(Object.fromEntries(nomad.requests.at(-1)?.query ?? [])).toMatchObject({ namespace: '*' })
    expect(nomad.requests.at(-1)?.query.getAll('topic')).toEqual(['CSIVolume:*', 'CSIPlugin:*'])
    nomad.emit('CSIVolume', 'data', 'prod')
    nomad.emit('Node', 'n1')
    nomad.emit('CSIPlugin', 'ebs')
    await vi.waitFor(() =>
      expect(events).toEqual([
        { topic: 'CSIVolume', namespace: 'prod', key: 'data', index: expect.any(BigInt) },
        { topic: 'CSIPlugin', namespace: '', key: 'ebs', index: expect.any(BigInt) },
      ]),
    )
    abort.abort()
    await expect(reading).rejects.toMatchObject({ kind: 'transient' })
    await vi.waitFor(() => expect(nomad.listening()).toBe(0))
  })

  it('are given up where Nomad says nothing, as to a token that may not read them', async () => {
    const silent = await startHttpServer((_request, response) => {
      response.writeHead(200).flushHeaders()
      return undefined
    })
    onTestFinished(silent.close)
    // The time limit of a stream passes at once.
    const after = (delayMs: number, callback: () => void) => systemClock.after(delayMs / 1000, callback)
    const listener = createNomadClient({ address: silent.address, clock: { ...systemClock, after } })
    onTestFinished(listener.close)
    const { signal } = new AbortController()
    await expect(listener.readEvents({ onEvent: () => {}, onAlive: () => {}, signal })).rejects.toMatchObject(
      { kind: 'transient', message: 'read events: not a byte within 75 s' },
    )
  })

  it('make a list be read that no blocking query wakes for, and say nothing themselves', async () => {
    nomad.versions = ['2.0.6-dev', '1.10.7+ent']
    nomad.putPlugin(aPlugin('ebs'))
    nomad.putVolume(aVolume('data'))
    const observer = observe()
    await observer.plugin('ebs')
    await observer.volume('default', 'data')
    await vi.waitFor(() => expect(nomad.listening()).toBe(1))
    // As Nomad does when a plugin's allocation ends: no index moves, and nobody wakes.
    nomad.changeSilently((volume) => ({ ...volume, Schedulable: false }))
    nomad.emit('CSIVolume', 'data', 'default')
    await vi.waitFor(
      () => expect(observer.changes).toEqual([{ type: 'volume', namespace: 'default', volumeID: 'data' }]),
      5000,
    )
    // One that nothing changed for, and one of a namespace that nobody asks about.
    nomad.emit('CSIPlugin', 'ebs')
    nomad.emit('CSIVolume', 'data', 'elsewhere')
    const plugins = lists('/v1/plugins').length
    await vi.waitFor(() => expect(lists('/v1/plugins').length).toBeGreaterThan(plugins), 5000)
    expect(observer.changes).toHaveLength(1)
    expect(lists('/v1/volumes').map(({ query }) => query.get('namespace'))).not.toContain('elsewhere')
  })

  it('about a volume make that one be read, and its change be told before any list shows it', async () => {
    nomad.versions = ['2.0.6']
    nomad.putVolume(aVolume('data'), aVolume('other'))
    const observer = observe()
    const before = await observer.volume('default', 'data')
    await vi.waitFor(() => expect(nomad.listening()).toBe(1))
    const [listsBefore, readsBefore] = [lists('/v1/volumes').length, nomad.count('GET /v1/volume/csi')]
    const index = Number(before?.ModifyIndex) + 5
    nomad.changeSilently((volume) => (volume.ID === 'data' ? { ...volume, ModifyIndex: index } : volume))
    nomad.emit('CSIVolume', 'data', 'default', index)
    nomad.emit('CSIVolume', 'data', 'default', index)
    await vi.waitFor(() =>
      expect(observer.changes).toEqual([{ type: 'volume', namespace: 'default', volumeID: 'data' }]),
    )
    expect((await observer.volume('default', 'data'))?.ModifyIndex).toBe(index)
    expect(nomad.count('GET /v1/volume/csi')).toBe(readsBefore + 1)
    expect(lists('/v1/volumes')).toHaveLength(listsBefore)
  })

  it('tell that a volume came or went, and read nothing for a change that was read already', async () => {
    nomad.versions = ['2.0.6']
    nomad.putVolume(aVolume('data'))
    const observer = observe()
    const known = await observer.volume('default', 'data')
    await vi.waitFor(() => expect(nomad.listening()).toBe(1))
    const reads = () => nomad.requests.filter(({ path }) => path === '/v1/volume/csi/data').length
    const readsBefore = reads()
    nomad.emit('CSIVolume', 'data', 'default', Number(known?.ModifyIndex))
    nomad.putVolume(aVolume('came'))
    nomad.emit('CSIVolume', 'came', 'default', 99)
    await vi.waitFor(() =>
      expect(observer.changes).toContainEqual({ type: 'volume', namespace: 'default', volumeID: 'came' }),
    )
    expect(reads()).toBe(readsBefore)
    nomad.removeVolume('default', 'data')
    nomad.emit('CSIVolume', 'data', 'default', 100)
    await vi.waitFor(() =>
      expect(observer.changes).toContainEqual({ type: 'volume', namespace: 'default', volumeID: 'data' }),
    )
    expect(await observer.volume('default', 'data')).toBeUndefined()
  })

  it('about a volume that is gone, or a write that the list shows, make no list be read', async () => {
    nomad.versions = ['2.0.6']
    nomad.putVolume(aVolume('data'), aVolume('other'))
    const clock = adjustableClock()
    const observer = observe(clock)
    const [data] = await observer.volumeStubs('default')
    await vi.waitFor(() => expect(nomad.listening()).toBe(1))
    const reads = () => nomad.count('GET /v1/volume/csi')
    const listsBefore = lists('/v1/volumes').length
    nomad.emit('CSIVolume', 'data', 'default', Number(data?.ModifyIndex))
    nomad.emit('CSIVolume', 'mooring-deleting-1', 'default', 77)
    await vi.waitFor(() => {
      clock.advance(100)
      expect(reads()).toBe(1)
    })
    // Long enough for a hint to have the list read.
    clock.advance(5_000)
    nomad.changeSilently((volume) => (volume.ID === 'other' ? { ...volume, ModifyIndex: 50_000 } : volume))
    nomad.emit('CSIVolume', 'other', 'default', 50_000)
    await vi.waitFor(() => {
      clock.advance(100)
      expect(observer.changes).toHaveLength(1)
    })
    clock.advance(5_000)
    expect(lists('/v1/volumes')).toHaveLength(listsBefore)
  })

  it('about very many volumes make the list be read, and not each of them', async () => {
    nomad.versions = ['2.0.6']
    const many = Array.from({ length: 100 }, (_, index) => aVolume(`many-${index}`))
    nomad.putVolume(...many)
    const observer = observe()
    await observer.volume('default', 'many-0')
    await vi.waitFor(() => expect(nomad.listening()).toBe(1))
    const [listsBefore, readsBefore] = [lists('/v1/volumes').length, nomad.count('GET /v1/volume/csi')]
    for (const { ID } of many) nomad.emit('CSIVolume', ID, 'default', 999_999)
    await vi.waitFor(() => expect(lists('/v1/volumes').length).toBeGreaterThan(listsBefore), 5000)
    expect(nomad.count('GET /v1/volume/csi')).toBe(readsBefore)
  })

  it.each([[['1.11.0']], [['2.0.5', '1.10.6']], [['unknown']], [[]]])(
    'are not asked for where a server may lose secrets by them: %j',
    async (versions) => {
      nomad.versions = versions
      const observer = observe()
      await vi.waitFor(() => expect(observer.lines.join()).toContain('GH-27176'))
      expect(nomad.requests.map(({ path }) => path)).not.toContain('/v1/event/stream')
      nomad.putVolume(aVolume('data'))
      expect(await observer.volume('default', 'data')).toBeDefined()
    },
  )
})

describe('connections', () => {
  it('stay below what Nomad takes from one address, whatever the number of namespaces and volumes', async () => {
    nomad.versions = ['2.0.5']
    const namespaces = Array.from({ length: 150 }, (_, index) => `team-${index}`)
    for (const Namespace of namespaces)
      nomad.putVolume(aVolume('one', { Namespace }), aVolume('two', { Namespace }))
    for (let plugin = 0; plugin < 40; plugin++) nomad.externalVolumes.set(`p${plugin}`, [])
    const observer = observe()
    await Promise.all(
      namespaces.flatMap((namespace) => ['one', 'two'].map((id) => observer.volume(namespace, id))),
    )
    // Everything at once, and an answer to nothing: whatever may be under way is.
    const gate = Promise.withResolvers<void>()
    nomad.hold = gate.promise
    const calls = [
      ...namespaces.map((namespace) => client.readVolume(namespace, 'one')),
      ...[...nomad.externalVolumes.keys()].map((pluginID) => client.listExternalVolumes(pluginID)),
      ...namespaces.map((namespace) => client.deregisterVolume(namespace, 'none')),
    ]
    await vi.waitFor(async () => expect(await nomad.connections()).toBeGreaterThan(50))
    gate.resolve()
    await Promise.allSettled(calls)
    expect(connectionLimit).toBeLessThan(100)
    expect(nomad.mostConnections()).toBeLessThanOrEqual(connectionLimit)
    // Those beyond the room for blocking queries are watched all the same.
    nomad.putVolume(aVolume('one', { Namespace: 'team-149', Capacity: 9999 }))
    nomad.emit('CSIVolume', 'one', 'team-149')
    await vi.waitFor(
      () =>
        expect(observer.changes).toContainEqual({ type: 'volume', namespace: 'team-149', volumeID: 'one' }),
      5000,
    )
  })

  it('let healthy plugins be read, however many others hang', async () => {
    const isHung = (pluginID: string | null) => pluginID?.startsWith('hung') === true
    const server = await startHttpServer(({ query }) =>
      isHung(query.get('plugin_id')) ? undefined : { body: { Volumes: [], Snapshots: [] } },
    )
    onTestFinished(server.close)
    const listener = createNomadClient({ address: server.address, clock: quickClock(100) })
    onTestFinished(listener.close)
    const answered = new Set<string>()
    const readAll = (pluginID: string) => {
      const reads = [listener.listExternalVolumes(pluginID), listener.listSnapshots(pluginID)]
      return Promise.allSettled(reads).then((results) => {
        answered.add(pluginID)
        return results.map(({ status }) => status)
      })
    }
    // Three fill the slots at once. Six are known by then: they share the slots of those that are slow.
    for (const names of [
      ['hung1', 'hung2', 'hung3'],
      ['hung1', 'hung2', 'hung3', 'hung4', 'hung5', 'hung6'],
    ]) {
      answered.clear()
      const hung = names.map(readAll)
      expect(await readAll('healthy')).toEqual(['fulfilled', 'fulfilled'])
      expect([...answered]).toEqual(['healthy'])
      expect((await Promise.all(hung)).flat()).toEqual(names.flatMap(() => ['rejected', 'rejected']))
    }
  })

  it('lets go of a request that waits for its turn, as soon as its signal aborts', async () => {
    const server = await startHttpServer(() => undefined)
    const listener = createNomadClient({ address: server.address })
    const first = Promise.allSettled(Array.from({ length: 40 }, () => listener.listExternalVolumes('hung')))
    const abort = new AbortController()
    const last = listener.listExternalVolumes('hung', abort.signal)
    onTestFinished(async () => {
      await listener.close()
      await server.close()
      await first
    })
    await vi.waitFor(() => expect(server.requests.length).toBeGreaterThan(0))
    abort.abort()
    await expect(last).rejects.toMatchObject({
      kind: 'transient',
      message: expect.stringContaining('interrupted'),
    })
  })
})

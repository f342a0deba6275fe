import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Driver, startDriver } from '../../../src/driver/driver.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { createLog, silentLog } from '../../../src/lib/log.ts'
import { createNomadClient, type NomadClient } from '../../../src/nomad/client.ts'
import type { NomadEvent } from '../../../src/nomad/events.ts'
import { createObserver, type NomadObserver, type ObservedChange } from '../../../src/nomad/observer.ts'
import { type Server, startServer } from '../../../src/server/server.ts'
import type { VolumeRequest } from '../../../src/wire/volume.ts'

/** The operator's side of the API against the server and driver of this package, over real sockets. */
let directory: string
let driver: Driver | undefined
let server: Server
let client: NomadClient
let observer: NomadObserver
const changes: ObservedChange[] = []
const lines: string[] = []

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mooring-'))
  driver = await startDriver({
    endpoint: `unix://${join(directory, 'csi.sock')}`,
    poolDirectory: join(directory, 'pool'),
    nodeID: 'here',
    log: silentLog,
    clock: systemClock,
  })
  server = await startServer({
    http: { host: '127.0.0.1', port: 0 },
    dataDirectory: join(directory, 'server'),
    plugins: [{ id: 'local', endpoint: driver.endpoint }],
    log: silentLog,
    probeIntervalMs: 100,
  })
  client = createNomadClient({ address: server.url, clock: systemClock })
  observer = createObserver({
    client,
    clock: systemClock,
    random: Math.random,
    log: createLog('info', { write: (line) => lines.push(line) }),
    pollMs: 60_000,
  })
  observer.onChange((change) => changes.push(change))
})
afterAll(async () => {
  await observer.close()
  await client.close()
  await server.close()
  await driver?.close()
  await rm(directory, { recursive: true })
})

const request = (id: string, fields: Partial<VolumeRequest> = {}): VolumeRequest & { Namespace: string } => ({
  ID: id,
  Name: id,
  PluginID: 'local',
  RequestedCapabilities: [{ AccessMode: 'single-node-writer', AttachmentMode: 'file-system' }],
  RequestedCapacityMin: 1_000_000,
  ...fields,
  Namespace: 'default',
})
const invalidate = (volumeID: string) =>
  observer.invalidate({ volume: { namespace: 'default', volumeID }, pluginID: 'local' })

describe('the client and observer against the server', () => {
  it('see the plugin', async () => {
    expect(await observer.plugin('local')).toMatchObject({ ID: 'local', ControllersHealthy: 1 })
    expect(await observer.plugin('other')).toBeUndefined()
    expect(await client.namespaceExists('default')).toBe(true)
    expect(await client.namespaceExists('nowhere')).toBe(false)
  })

  it('follow a volume through its life', async () => {
    expect(await observer.volume('default', 'data[0]')).toBeUndefined()
    await client.createVolume(request('data[0]', { Name: 'data-0' }))
    invalidate('data[0]')
    const created = await observer.volume('default', 'data[0]')
    expect(created).toMatchObject({ Name: 'data-0', Schedulable: true, Secrets: null })
    const externalID = created?.ExternalID ?? ''
    expect((await observer.externalVolumes('local')).has(externalID)).toBe(true)
    await vi.waitFor(() =>
      expect(changes).toContainEqual({ type: 'volume', namespace: 'default', volumeID: 'data[0]' }),
    )

    await client.createVolume(request('data[0]', { Name: 'data-0', RequestedCapacityMin: 2_000_000 }))
    invalidate('data[0]')
    expect(Number((await observer.volume('default', 'data[0]'))?.Capacity)).toBeGreaterThanOrEqual(2_000_000)

    await client.deregisterVolume('default', 'data[0]')
    invalidate('data[0]')
    expect(await observer.volume('default', 'data[0]')).toBeUndefined()
    expect((await observer.externalVolumes('local')).has(externalID)).toBe(true)

    await client.registerVolume(request('again', { Name: 'data-0', ExternalID: externalID }))
    invalidate('again')
    expect(await observer.volume('default', 'again')).toMatchObject({ ExternalID: externalID })
    await client.deleteVolume('default', 'again', {})
    invalidate('again')
    expect(await observer.volume('default', 'again')).toBeUndefined()
    expect((await observer.externalVolumes('local')).has(externalID)).toBe(false)
    await client.deleteVolume('default', 'again', {})
    await client.deregisterVolume('default', 'again')
  })

  it('follow its events as those of Nomad', async () => {
    const events: NomadEvent[] = []
    const cut = new AbortController()
    // The observer holds the one stream that its client has.
    const other = createNomadClient({ address: server.url, clock: systemClock })
    const reading = other.readEvents({
      onEvent: (event) => events.push(event),
      onAlive: () => {},
      signal: cut.signal,
    })
    await client.createVolume(request('told'))
    await vi.waitFor(
      () => {
        expect(events).toContainEqual({
          topic: 'CSIVolume',
          namespace: 'default',
          key: 'told',
          index: expect.any(BigInt),
        })
        expect(events).toContainEqual({
          topic: 'CSIPlugin',
          namespace: '',
          key: 'local',
          index: expect.any(BigInt),
        })
      },
      { timeout: 20_000 },
    )
    cut.abort()
    await Promise.allSettled([reading])
    await other.close()
    // The observer has had them from the start.
    expect(lines.join()).not.toContain('no events from Nomad')
  })

  it('follow a snapshot through its life', async () => {
    await client.createVolume(request('source'))
    invalidate('source')
    const volume = await observer.volume('default', 'source')
    const snapshot = await client.createSnapshot('default', { SourceVolumeID: 'source', Name: 'nightly' })
    observer.invalidate({ pluginID: 'local' })
    expect(snapshot.ExternalSourceVolumeID).toBe(volume?.ExternalID)
    expect((await observer.snapshots('local')).get(snapshot.ID)).toMatchObject({ ID: snapshot.ID })
    await client.deleteSnapshot('local', snapshot.ID, {})
    await client.deleteSnapshot('local', snapshot.ID, {})
    observer.invalidate({ pluginID: 'local' })
    expect((await observer.snapshots('local')).size).toBe(0)
  })

  it.each([
    ['a plugin that is not there', { PluginID: 'other' }, { kind: 'transient', reason: 'PluginNotFound' }],
    ['no capability', { RequestedCapabilities: [] }, { kind: 'permanent' }],
    [
      'more than a maximum',
      { RequestedCapacityMin: 2, RequestedCapacityMax: 1 },
      { kind: 'permanent', reason: 'CapacityUnsupported' },
    ],
    ['a snapshot that is not there', { SnapshotID: 'none' }, { kind: 'permanent', reason: 'SourceNotFound' }],
  ] as const)('know what a refusal means: %s', async (_title, fields, error) => {
    await expect(
      client.createVolume(request('refused', fields as Partial<VolumeRequest>)),
    ).rejects.toMatchObject(error)
  })

  it('know an immutable difference, and a definition that is there already', async () => {
    await client.createVolume(request('twice', { Parameters: {} }))
    await expect(client.createVolume(request('twice'))).rejects.toMatchObject({
      kind: 'ambiguous',
      reason: 'AlreadyExists',
    })
    await expect(client.createVolume(request('twice', { Name: 'other' }))).rejects.toMatchObject({
      kind: 'permanent',
      reason: 'ImmutableField',
    })
    await expect(client.createVolume({ ...request('nowhere'), Namespace: 'nowhere' })).rejects.toMatchObject({
      reason: 'NamespaceNotFound',
    })
    await expect(
      client.createSnapshot('default', { SourceVolumeID: 'none', Name: 'x' }),
    ).rejects.toMatchObject({ reason: 'VolumeNotFound' })
  })

  it('tell a plugin that went away from a list that is empty', async () => {
    await driver?.close()
    driver = undefined
    observer.invalidate({ pluginID: 'local' })
    await expect(observer.externalVolumes('local')).rejects.toMatchObject({ kind: 'transient' })
    await expect(client.createVolume(request('late'))).rejects.toMatchObject({ reason: 'PluginUnavailable' })
    await vi.waitFor(() => expect(changes).toContainEqual({ type: 'plugin', pluginID: 'local' }), 10_000)
    expect(await observer.volume('default', 'source')).toMatchObject({ Schedulable: false })
  })
})

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { hashSecret } from '../../../src/server/acl/acl-file.ts'
import { startTestServer, type TestServer, volumeBody } from '../../fakes/api-server.ts'

let server: TestServer
let directory: string
/** A bound for a hang, never a measure. */
const eventually = (look: () => void) => vi.waitFor(look, { timeout: 20_000 })
const root = { 'x-nomad-token': 'root' }

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'mooring-events-'))
  const aclFile = join(directory, 'acl.json')
  const tokens = [
    { accessorID: 'root', type: 'management', secretHash: hashSecret('root') },
    { accessorID: 'reader', type: 'client', policies: ['reader'], secretHash: hashSecret('reader') },
  ]
  const policies = { reader: { namespace: { default: { capabilities: ['csi-read-volume'] } } } }
  writeFileSync(aclFile, JSON.stringify({ policies, tokens }))
  server = await startTestServer({ aclFile, mountRoot: join(directory, 'mounts'), probeIntervalMs: 50 })
  await server.call('PUT', '/v1/namespace/other', undefined, root)
})
afterAll(async () => {
  await server.dispose()
  rmSync(directory, { recursive: true })
})

interface Batch {
  readonly Index?: number
  readonly Events?: readonly {
    readonly Topic: string
    readonly Type: string
    readonly Key: string
    readonly Payload: Readonly<Record<string, Record<string, unknown>>>
  }[]
}

/** Follows the stream until the test is over; what came until now. */
async function follow(query: string, token = 'root') {
  const cut = new AbortController()
  onTestFinished(() => cut.abort())
  const response = await fetch(`${server.url}/v1/event/stream?${query}`, {
    headers: { 'x-nomad-token': token },
    signal: cut.signal,
  })
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('application/json')
  const batches: Batch[] = []
  const read = async () => {
    let rest = ''
    for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const lines = (rest + piece).split('\n')
      rest = lines.pop() ?? ''
      batches.push(...lines.map((line) => JSON.parse(line)))
    }
  }
  // Cut at the end of the test.
  read().catch((error) => expect(error.name).toBe('AbortError'))
  const told = () =>
    batches.flatMap(({ Events = [] }) => Events).map(({ Topic, Type, Key }) => [Topic, Type, Key])
  await eventually(() => expect(batches[0]).toEqual({}))
  return { batches, told }
}

const current = async () =>
  Number((await server.call('GET', '/v1/volumes?type=csi', undefined, root)).headers.get('x-nomad-index'))

describe('the event stream', () => {
  it('tells of the life of a volume, as it was at each step, without its secrets', async () => {
    const { batches, told } = await follow(`topic=CSIVolume&topic=Allocation&index=${(await current()) + 1}`)
    const body = volumeBody('data', { Secrets: { password: 'planted' } })
    await server.call('PUT', '/v1/volume/csi/data/create', body, root)
    const claim = await server.call(
      'PUT',
      '/v1/volume/csi/data/claim',
      { TargetPath: join(directory, 'mounts', 'a') },
      root,
    )
    expect(claim.status).toBe(200)
    const { ID } = claim.json
    await server.call('DELETE', `/v1/volume/csi/data/claim/${ID}`, undefined, root)
    await server.call('DELETE', '/v1/volume/csi/data/delete', undefined, root)
    const seen = [
      ['CSIVolume', 'CSIVolumeRegistered', 'data'],
      ['CSIVolume', 'CSIVolumeClaim', 'data'],
      ['CSIVolume', 'CSIVolumeDeregistered', 'data'],
      ['Allocation', 'AllocationCreated', ID],
      ['Allocation', 'AllocationUpdated', ID],
    ]
    await eventually(() => expect(told()).toEqual(expect.arrayContaining(seen)))
    const volumes = batches.flatMap(({ Events = [] }) =>
      Events.flatMap(({ Payload }) => Payload.Volume ?? []),
    )
    expect(volumes[0]).toMatchObject({ ID: 'data', Secrets: null, WriteAllocs: {}, Schedulable: true })
    expect(volumes.some((volume) => Object.hasOwn(Object(volume).WriteAllocs, ID))).toBe(true)
    const ends = batches.flatMap(({ Events = [] }) =>
      Events.flatMap(({ Payload }) => Payload.Allocation ?? []),
    )
    expect(ends.at(-1)).toMatchObject({ ID, ClientStatus: 'complete' })
    expect(JSON.stringify(batches)).not.toContain('planted')
    const indexes = batches.flatMap(({ Index = [] }) => Index)
    expect(indexes).toEqual(indexes.toSorted((a, b) => a - b))
  })

  it('tells of a plugin and its node when its health changes', async () => {
    const { told } = await follow(`topic=CSIPlugin:disk&topic=Node&index=${(await current()) + 1}`)
    server.plugin.ready = false
    await eventually(() => expect(told().map(([topic]) => topic)).toEqual(['CSIPlugin', 'Node']))
    server.plugin.ready = true
    await eventually(() => expect(told()).toHaveLength(4))
  })

  it('shows a token only what it may read, and refuses what it may not follow', async () => {
    const { told } = await follow(`topic=CSIVolume&namespace=*&index=${(await current()) + 1}`, 'reader')
    await server.call(
      'PUT',
      '/v1/volume/csi/hidden/create',
      volumeBody('hidden', { Namespace: 'other' }),
      root,
    )
    await server.call('PUT', '/v1/volume/csi/shown/create', volumeBody('shown'), root)
    await eventually(() => expect(told()).toEqual([['CSIVolume', 'CSIVolumeRegistered', 'shown']]))
    for (const query of ['', 'topic=*', 'topic=CSIPlugin', 'topic=Node', 'topic=CSIVolume&namespace=other']) {
      const answer = await server.call('GET', `/v1/event/stream?${query}`, undefined, {
        'x-nomad-token': 'reader',
      })
      expect([query, answer.status]).toEqual([query, 403])
    }
  })

  it('does not hold up the end of the server', async () => {
    await follow('topic=Node')
    await server.restart()
    expect((await server.call('GET', '/v1/regions')).status).toBe(200)
  })
})

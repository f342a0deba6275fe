import { afterEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/lib/clock.ts'
import { silentLog } from '../../../src/lib/log.ts'
import { createNomadClient } from '../../../src/nomad/client.ts'
import { usesHostVolume } from '../../../src/nomad/host-volumes.ts'
import { createObserver, type ObservedChange } from '../../../src/nomad/observer.ts'
import { type Answer, type ReceivedRequest, startHttpServer } from '../../fakes/http-server.ts'
import { eventually } from '../../helpers/eventually.ts'

const closes: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closes.splice(0).reverse()) await close()
})

/** A Nomad that answers so, and the operator's side of it. */
async function against(answer: (request: ReceivedRequest) => Answer) {
  const server = await startHttpServer(answer)
  const client = createNomadClient({ address: server.address })
  const observer = createObserver({ client, clock: systemClock, random: Math.random, log: silentLog })
  closes.push(
    () => server.close(),
    () => client.close(),
    () => observer.close(),
  )
  return { client, observer, requests: server.requests }
}

const notFound: Answer = { status: 404, body: 'volume not found' }
const stub = (fields: object) => ({
  Namespace: 'default',
  ID: '5b1a9b6a-0000-4000-8000-000000000001',
  Name: 'data',
  PluginID: 'mkdir',
  NodePool: 'default',
  NodeID: 'n1',
  CapacityBytes: 0,
  State: 'ready',
  CreateIndex: 1,
  CreateTime: 1,
  ModifyIndex: 1,
  ModifyTime: 1,
  ...fields,
})

describe('the list of host volumes', () => {
  it('is no empty list for a token that may not read them, although Nomad answers with one', async () => {
    const { client, observer } = await against(({ path }) =>
      path === '/v1/volumes' ? { body: [] } : { status: 403, body: 'Permission denied' },
    )
    await expect(client.listHostVolumes('default')).rejects.toMatchObject({ reason: 'PermissionDenied' })
    await expect(observer.findHostVolumes('default', 'data')).rejects.toMatchObject({
      reason: 'PermissionDenied',
    })
  })

  it('is an empty list where Nomad says that a volume of no ID is not there', async () => {
    const { client } = await against(({ path }) => (path === '/v1/volumes' ? { body: [] } : notFound))
    expect((await client.listHostVolumes('default')).items).toEqual([])
  })

  it('tells by its name of a volume that is gone', async () => {
    let listed: readonly object[] = [stub({})]
    let index = 5
    const { observer } = await against(({ path }) =>
      path === '/v1/volumes' ? { body: listed, headers: { 'x-nomad-index': String(index) } } : notFound,
    )
    const changes: ObservedChange[] = []
    observer.onChange((change) => changes.push(change))
    expect(await observer.findHostVolumes('default', 'data')).toHaveLength(1)
    listed = []
    index = 6
    observer.invalidateHostVolumes('default')
    await eventually(
      () => expect(changes).toContainEqual({ type: 'host volume', namespace: 'default', name: 'data' }),
      10_000,
    )
    expect(await observer.findHostVolumes('default', 'data')).toEqual([])
  })
})

describe('the users of a host volume', () => {
  const allocation = (Name: string, use: object, group = 'db') => ({
    ID: 'a1',
    Name,
    TaskGroup: 'db',
    Job: { TaskGroups: [{ Name: group, Volumes: { disk: { Type: 'host', Source: 'data', ...use } } }] },
  })
  it.each([
    ['uses the volume that its group names', allocation('job.db[0]', {}), 'data', true],
    [
      'uses with per_alloc the volume of its index',
      allocation('job.db[2]', { PerAlloc: true }),
      'data[2]',
      true,
    ],
    ['uses with per_alloc no other index', allocation('job.db[2]', { PerAlloc: true }), 'data[1]', false],
    ['uses with per_alloc not the name itself', allocation('job.db[2]', { PerAlloc: true }), 'data', false],
    ['does not use what another group names', allocation('job.db[0]', {}, 'web'), 'data', false],
    ['does not use a CSI volume of that name', allocation('job.db[0]', { Type: 'csi' }), 'data', false],
    [
      'uses nothing without its job',
      { ID: 'a1', Name: 'job.db[0]', TaskGroup: 'db', Job: null },
      'data',
      false,
    ],
  ])('%s', (_title, each, name, expected) => {
    expect(usesHostVolume(each, name)).toBe(expected)
  })

  it('are those that may live, on the node, whatever Nomad itself counts', async () => {
    const stubs = [
      { ID: 'running', NodeID: 'n1', ClientStatus: 'running' },
      { ID: 'lost', NodeID: 'n1', ClientStatus: 'lost' },
      { ID: 'over', NodeID: 'n1', ClientStatus: 'complete' },
      { ID: 'elsewhere', NodeID: 'n2', ClientStatus: 'running' },
    ]
    const { observer, requests } = await against(({ path }) =>
      path === '/v1/allocations'
        ? { body: stubs }
        : { body: { ...allocation('job.db[0]', { PerAlloc: true }), ID: path.split('/').at(-1) } },
    )
    expect(await observer.usersOfHostVolume('default', 'n1', 'data[0]')).toEqual(['running', 'lost'])
    expect(requests.filter(({ path }) => path.startsWith('/v1/allocation/'))).toHaveLength(2)
  })
})

describe('the nodes of a pool', () => {
  it('are read one by one, and again only when they have changed', async () => {
    let version = 1
    const { observer, requests } = await against(({ path }) =>
      path === '/v1/nodes'
        ? { body: [{ ID: 'n1', NodePool: 'storage', ModifyIndex: version }] }
        : {
            body: {
              ID: 'n1',
              Name: 'one',
              Datacenter: 'dc1',
              NodeClass: '',
              NodePool: 'storage',
              Status: 'ready',
              SchedulingEligibility: 'eligible',
              Attributes: { 'kernel.name': 'linux' },
              Meta: null,
            },
          },
    )
    const reads = () => requests.filter(({ path }) => path === '/v1/node/n1').length
    expect([...(await observer.nodesOf('storage')).keys()]).toEqual(['n1'])
    await observer.nodesOf('all')
    expect(reads()).toBe(1)
    version = 2
    observer.invalidateHostVolumes('default')
    await observer.nodesOf('storage')
    expect(reads()).toBe(2)
  })
})

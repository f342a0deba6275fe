import { status } from '@grpc/grpc-js'
import pino from 'pino'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  createPluginClient,
  type PluginClient,
  type PluginClientOptions,
} from '../../../src/csi/plugin-client.ts'
import { PluginError } from '../../../src/csi/plugin-error.ts'
import type { PluginState } from '../../../src/csi/plugin-state.ts'
import { temporaryDirectory } from '../../support/driver.ts'
import { type FakeAnswers, type FakePlugin, hang, startFakePlugin } from '../../support/fake-plugin.ts'

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let plugin: FakePlugin
let client: PluginClient
const endpoint = () => `unix://${directory.path}/s`

beforeEach(async () => {
  directory = await temporaryDirectory()
})

afterEach(async () => {
  client.close()
  plugin?.die()
  await directory.remove()
})

async function start(answers: FakeAnswers, options: Partial<PluginClientOptions> = {}): Promise<void> {
  plugin = await startFakePlugin(endpoint(), answers)
  client = createPluginClient({ pluginID: 'fake', endpoint: endpoint(), connectTimeoutMs: 3_000, ...options })
}

const refuse = (code: status, details = '') => {
  throw { code, details }
}
const volume = (volumeId: string, more: object = {}) => ({ volume: { volumeId, ...more } })
const member = (groupId: string, volumeId: string, more: object = {}) => ({
  snapshotId: `${groupId}-${volumeId}`,
  sourceVolumeId: volumeId,
  groupSnapshotId: groupId,
  creationTime: { seconds: 1 },
  ...more,
})
const group = (id: string, volumeIds: readonly string[], more: object = {}) => ({
  groupSnapshotId: id,
  creationTime: { seconds: 1 },
  snapshots: volumeIds.map((volumeId) => member(id, volumeId)),
  ...more,
})
const failing = (expected: Partial<PluginError>) => expect.objectContaining(expected)

describe('honest answers', () => {
  test('64-bit integers go both ways without loss', async () => {
    await start({
      CreateVolume: ({ capacityRange }: { capacityRange: { requiredBytes: bigint } }) =>
        volume('v', { capacityBytes: capacityRange.requiredBytes }),
    })
    const answer = await client.createVolume({ name: 'v', capacityRange: { requiredBytes: 2n ** 62n + 1n } })
    expect(answer.volume?.capacityBytes).toBe(2n ** 62n + 1n)
  })

  test.each([
    [status.INVALID_ARGUMENT, 'failed', 'permanent'],
    [status.NOT_FOUND, 'failed', 'permanent'],
    [status.FAILED_PRECONDITION, 'failed', 'permanent'],
    [status.RESOURCE_EXHAUSTED, 'retry-later', 'transient'],
    [status.ABORTED, 'may-be-running', 'ambiguous'],
    [status.INTERNAL, 'may-be-running', 'ambiguous'],
    [status.UNAVAILABLE, 'may-be-running', 'ambiguous'],
    [status.UNIMPLEMENTED, 'unsupported', 'permanent'],
    [99, 'may-be-running', 'ambiguous'],
  ])('a refusal with code %s is of class %s', async (code, errorClass, kind) => {
    await start({ DeleteVolume: () => refuse(code, 'why') })
    await expect(client.deleteVolume({ volumeId: 'v' })).rejects.toEqual(
      failing({ errorClass, kind, details: 'why' } as Partial<PluginError>),
    )
  })

  test('what the plugin does not announce is refused by name and never sent', async () => {
    await start({ ControllerGetCapabilities: { capabilities: [{ rpc: { type: 'CREATE_DELETE_VOLUME' } }] } })
    const refused = (capability: string) =>
      failing({ errorClass: 'unsupported', details: `the plugin does not announce ${capability}` })
    await expect(
      client.createVolume({ name: 'c', volumeContentSource: { volume: { volumeId: 'v' } } }),
    ).rejects.toEqual(refused('CLONE_VOLUME'))
    await expect(client.createSnapshot({ name: 's', sourceVolumeId: 'v' })).rejects.toEqual(
      refused('CREATE_DELETE_SNAPSHOT'),
    )
    await expect(client.listAllVolumes({})).rejects.toEqual(refused('LIST_VOLUMES'))
    expect(plugin.received.map(({ rpc }) => rpc)).toEqual([
      'GetPluginCapabilities',
      'ControllerGetCapabilities',
    ])
  })

  test('a group of snapshots and a modification go there and back; each waits for all volumes it is about', async () => {
    const begun: string[] = []
    const first = Promise.withResolvers<object>()
    await start({
      CreateVolumeGroupSnapshot: ({ name }: { name: string }) => {
        begun.push(name)
        return { groupSnapshot: group('g', ['a', 'b']) }
      },
      ControllerModifyVolume: ({ volumeId }: { volumeId: string }) => {
        begun.push(volumeId)
        return volumeId === 'b' ? first.promise : {}
      },
    })
    const modify = (volumeId: string) =>
      client.controllerModifyVolume({ volumeId, mutableParameters: { live: 'allow' } })
    // Asked beforehand, so that the calls below queue in the order they are made.
    await client.capabilities('groupController')
    const modified = modify('b')
    await vi.waitFor(() => expect(begun).toEqual(['b']))
    const taken = client.createVolumeGroupSnapshot({ name: 'g', sourceVolumeIds: ['b', 'a', 'b'] })
    const after = modify('a')
    await modify('c')
    expect(begun).toEqual(['b', 'c'])
    first.resolve({})
    const [, { groupSnapshot }] = await Promise.all([modified, taken, after])
    expect(begun).toEqual(['b', 'c', 'g', 'a'])
    expect(groupSnapshot?.snapshots.map(({ snapshotId }) => snapshotId)).toEqual(['g-a', 'g-b'])
    expect(plugin.received.at(-1)?.request).toMatchObject({ mutableParameters: { live: 'allow' } })
  })

  test.each<[string, FakeAnswers, () => Promise<unknown>, string]>([
    [
      'a group of snapshots',
      { GetPluginCapabilities: { capabilities: [{ service: { type: 'CONTROLLER_SERVICE' } }] } },
      () => client.createVolumeGroupSnapshot({ name: 'g', sourceVolumeIds: ['v'] }),
      'GROUP_CONTROLLER_SERVICE',
    ],
    [
      'a group of snapshots, by a service that has them not',
      { GroupControllerGetCapabilities: {} },
      () => client.deleteVolumeGroupSnapshot({ groupSnapshotId: 'g' }),
      'CREATE_DELETE_GET_VOLUME_GROUP_SNAPSHOT',
    ],
    [
      'a modification',
      { ControllerGetCapabilities: {} },
      () => client.controllerModifyVolume({ volumeId: 'v', mutableParameters: { live: 'allow' } }),
      'MODIFY_VOLUME',
    ],
  ])('%s is never sent where it is not announced', async (_title, answers, call, capability) => {
    await start(answers)
    const details = `the plugin does not announce ${capability}`
    await expect(call()).rejects.toEqual(failing({ errorClass: 'unsupported', details }))
    expect(plugin.received.map(({ rpc }) => rpc).filter((rpc) => !rpc.includes('Capabilities'))).toEqual([])
  })

  test('lists are read to the end; a token that the plugin has dropped makes them begin again', async () => {
    let aborts = 1
    await start({
      ListVolumes: ({ startingToken }: { startingToken: string }) => {
        if (startingToken === 'two' && aborts-- > 0) refuse(status.ABORTED)
        const [id, nextToken] =
          { '': ['a', 'two'], two: ['b', 'three'], three: ['c', ''] }[startingToken] ?? []
        return { entries: [volume(id ?? '')], nextToken }
      },
    })
    const all = await client.listAllVolumes({})
    expect(all.map((entry) => entry.volume?.volumeId)).toEqual(['a', 'b', 'c'])
  })

  test('calls about one volume go one after another, others meanwhile, and no more at once than allowed', async () => {
    let running = 0
    let most = 0
    const perVolume = new Map<string, number>()
    await start(
      {
        DeleteVolume: async ({ volumeId }: { volumeId: string }) => {
          most = Math.max(most, ++running)
          perVolume.set(volumeId, (perVolume.get(volumeId) ?? 0) + 1)
          expect(perVolume.get(volumeId)).toBe(1)
          await new Promise((resolve) => setImmediate(resolve))
          perVolume.set(volumeId, 0)
          running--
          return {}
        },
      },
      { callsAtOnce: 3 },
    )
    const calls = Array.from({ length: 40 }, (_, index) => client.deleteVolume({ volumeId: `v${index % 8}` }))
    await Promise.all(calls)
    expect(most).toBeLessThanOrEqual(3)
    expect(most).toBeGreaterThan(1)
  })
})

describe('a plugin that is not there, hangs or dies', () => {
  test('nothing answers: the call was never sent, and the state is gone', async () => {
    client = createPluginClient({ pluginID: 'fake', endpoint: endpoint(), connectTimeoutMs: 200 })
    await expect(client.probe({})).rejects.toEqual(
      failing({ code: status.UNAVAILABLE, errorClass: 'retry-later', reason: 'PluginUnavailable' }),
    )
    expect(client.state.type).toBe('gone')
  })

  test('it hangs: the deadline ends the call, which may be running', async () => {
    await start({ CreateVolume: hang }, { deadlines: { CreateVolume: 100 } })
    await expect(client.createVolume({ name: 'v' })).rejects.toEqual(
      failing({ code: status.DEADLINE_EXCEEDED, errorClass: 'may-be-running' }),
    )
  })

  test.each<[string, () => Promise<unknown>]>([
    [
      'CreateVolumeGroupSnapshot',
      () => client.createVolumeGroupSnapshot({ name: 'g', sourceVolumeIds: ['v'] }),
    ],
    ['DeleteVolumeGroupSnapshot', () => client.deleteVolumeGroupSnapshot({ groupSnapshotId: 'g' })],
    ['ControllerModifyVolume', () => client.controllerModifyVolume({ volumeId: 'v' })],
  ])(
    'it hangs in %s, then dies in it: either way the call may be running, and the next is sent',
    async (rpc, call) => {
      await start({ [rpc]: hang }, { deadlines: { [rpc]: 100 } })
      await expect(call()).rejects.toEqual(
        failing({ code: status.DEADLINE_EXCEEDED, errorClass: 'may-be-running' }),
      )
      client.close()
      client = createPluginClient({ pluginID: 'fake', endpoint: endpoint() })
      const cut = expect(call()).rejects.toEqual(failing({ errorClass: 'may-be-running' }))
      await vi.waitFor(() => expect(plugin.received.filter((one) => one.rpc === rpc)).toHaveLength(2))
      plugin.die()
      await cut
    },
  )

  test('it answers late: the caller has its error, and the answer goes nowhere', async () => {
    const answer = Promise.withResolvers<object>()
    await start({ CreateVolume: () => answer.promise }, { deadlines: { CreateVolume: 50 } })
    await expect(client.createVolume({ name: 'v' })).rejects.toEqual(
      failing({ code: status.DEADLINE_EXCEEDED }),
    )
    answer.resolve(volume('v'))
    await client.probe({})
  })

  test('the caller gives up: what was sent may be running, what waited was not sent', async () => {
    await start({ DeleteVolume: hang })
    const abort = new AbortController()
    const sent = client.deleteVolume({ volumeId: 'v' }, { signal: abort.signal })
    const waiting = client.deleteVolume({ volumeId: 'v' }, { signal: abort.signal })
    const outcomes = Promise.allSettled([sent, waiting])
    await vi.waitFor(() => expect(plugin.received.at(-1)?.rpc).toBe('DeleteVolume'))
    abort.abort()
    expect(await outcomes).toMatchObject([
      { reason: { code: status.CANCELLED, errorClass: 'may-be-running' } },
      { reason: { code: status.CANCELLED, errorClass: 'retry-later' } },
    ])
    await expect(client.probe({}, { signal: abort.signal })).rejects.toEqual(
      failing({ errorClass: 'retry-later' }),
    )
  })

  test('it dies in the middle of a call: that may be running; it comes back and is asked anew', async () => {
    const states: PluginState['type'][] = []
    await start({ CreateVolume: hang })
    client.watchState((state) => states.push(state.type))
    await client.probe({})
    const call = expect(client.createVolume({ name: 'v' })).rejects.toEqual(
      failing({ errorClass: 'may-be-running' }),
    )
    await vi.waitFor(() => expect(plugin.received.at(-1)?.rpc).toBe('CreateVolume'))
    plugin.die()
    await call
    await vi.waitFor(() => expect(client.state.type).toBe('gone'))
    plugin = await startFakePlugin(endpoint(), { CreateVolume: volume('v') })
    await client.createVolume({ name: 'v' })
    expect(client.state.type).toBe('unprobed')
    await client.probe({})
    expect(states).toEqual(['ready', 'gone', 'unprobed', 'ready'])
    expect(plugin.received.map(({ rpc }) => rpc)).toContain('GetPluginCapabilities')
  })

  test('a probe says starting, then ready, then fails: the state follows', async () => {
    const answers = [{ ready: { value: false } }, {}, undefined]
    await start({ Probe: () => answers.shift() ?? refuse(status.FAILED_PRECONDITION, 'no disk') })
    await client.probe({})
    expect(client.state).toMatchObject({ type: 'not-ready' })
    await client.probe({})
    expect(client.state).toEqual({ type: 'ready' })
    await expect(client.probe({})).rejects.toThrow(/no disk/)
    expect(client.state).toEqual({ type: 'not-ready', reason: 'FAILED_PRECONDITION: no disk' })
  })

  test('close ends calls under way, and later ones are refused', async () => {
    await start({ CreateVolume: hang })
    const call = expect(client.createVolume({ name: 'v' })).rejects.toBeInstanceOf(PluginError)
    await vi.waitFor(() => expect(plugin.received.at(-1)?.rpc).toBe('CreateVolume'))
    client.close()
    await call
    await expect(client.probe({})).rejects.toEqual(failing({ errorClass: 'retry-later' }))
  })
})

describe('a plugin that lies', () => {
  const snapshot = (more: object) => ({
    snapshot: { snapshotId: 's', sourceVolumeId: 'v', creationTime: { seconds: 1 }, ...more },
  })
  const create =
    (more: object = {}) =>
    () =>
      client.createVolume({ name: 'v', ...more })
  const take = () => client.createSnapshot({ name: 's', sourceVolumeId: 'v' })
  const takeGroup = () => client.createVolumeGroupSnapshot({ name: 'g', sourceVolumeIds: ['a', 'b'] })
  const withMembers = (...snapshots: object[]) => group('g', [], { snapshots })
  const expand = () =>
    client.controllerExpandVolume({ volumeId: 'v', capacityRange: { requiredBytes: 9n, limitBytes: 10n } })

  test.each<[string, FakeAnswers, () => Promise<unknown>, RegExp]>([
    ['no volume', { CreateVolume: {} }, create(), /CreateVolumeResponse\.volume: required/],
    ['a volume without an ID', { CreateVolume: volume('') }, create(), /volume_id: required/],
    [
      'too small a volume',
      { CreateVolume: volume('v', { capacityBytes: 9 }) },
      create({ capacityRange: { requiredBytes: 10 } }),
      /9 is less than the required 10/,
    ],
    [
      'too big a volume',
      { CreateVolume: volume('v', { capacityBytes: 11 }) },
      create({ capacityRange: { limitBytes: 10 } }),
      /11 is more than the limit 10/,
    ],
    [
      'a blank volume in the place of a copy',
      { CreateVolume: volume('v') },
      create({ volumeContentSource: { snapshot: { snapshotId: 's' } } }),
      /content_source/,
    ],
    [
      'a volume of another source',
      { CreateVolume: volume('v', { contentSource: { snapshot: { snapshotId: 'other' } } }) },
      create({ volumeContentSource: { snapshot: { snapshotId: 's' } } }),
      /content_source/,
    ],
    [
      'a snapshot of another volume',
      { CreateSnapshot: snapshot({ sourceVolumeId: 'other' }) },
      take,
      /not the volume of the request/,
    ],
    [
      'a snapshot without an ID',
      { CreateSnapshot: snapshot({ snapshotId: '' }) },
      take,
      /snapshot_id: required/,
    ],
    [
      'a snapshot without a time',
      { CreateSnapshot: snapshot({ creationTime: null }) },
      take,
      /creation_time: required/,
    ],
    ['an expansion that is none', { ControllerExpandVolume: { capacityBytes: 8 } }, expand, /8 is less than/],
    [
      'another volume than was asked for',
      { ControllerGetVolume: volume('other') },
      () => client.controllerGetVolume({ volumeId: 'v' }),
      /of the request/,
    ],
    [
      'another snapshot than was asked for',
      { GetSnapshot: snapshot({ snapshotId: 'other' }) },
      () => client.getSnapshot({ snapshotId: 's' }),
      /of the request/,
    ],
    ['no group of snapshots', { CreateVolumeGroupSnapshot: {} }, takeGroup, /group_snapshot: required/],
    ...(
      [
        ['a group without an ID', group('', ['a', 'b']), /group_snapshot_id: required/],
        ['a group without a time', group('g', ['a', 'b'], { creationTime: null }), /creation_time: required/],
        ['an empty group', group('g', []), /snapshots: required/],
        ['a group with one snapshot too few', group('g', ['a']), /not one for each volume/],
        ['a group with one snapshot too many', group('g', ['a', 'b', 'c']), /not one for each volume/],
        [
          'a group with one volume twice',
          withMembers(member('g', 'a'), member('g', 'a', { snapshotId: 'x' })),
          /not one for each volume/,
        ],
        [
          'a group with one snapshot twice',
          withMembers(member('g', 'a'), member('g', 'b', { snapshotId: 'g-a' })),
          /two are the same/,
        ],
        [
          'a snapshot of another group',
          withMembers(member('g', 'a'), member('other', 'b')),
          /not the ID of the group/,
        ],
        [
          'a snapshot of the group without an ID',
          withMembers(member('g', 'a', { snapshotId: '' })),
          /snapshot_id: required/,
        ],
        [
          'a group that is ready before its snapshots',
          group('g', ['a', 'b'], { readyToUse: true }),
          /not every snapshot/,
        ],
      ] as const
    ).map(([title, groupSnapshot, clause]): [string, FakeAnswers, () => Promise<unknown>, RegExp] => [
      title,
      { CreateVolumeGroupSnapshot: { groupSnapshot } },
      takeGroup,
      clause,
    ]),
    [
      'another group than was asked for',
      { GetVolumeGroupSnapshot: { groupSnapshot: group('other', ['a']) } },
      () => client.getVolumeGroupSnapshot({ groupSnapshotId: 'g' }),
      /not the (group )?snapshot of the request|not the volume of the request|not the source of the request/,
    ],
    [
      'other snapshots of the group than were asked for',
      { GetVolumeGroupSnapshot: { groupSnapshot: group('g', ['a', 'b']) } },
      () => client.getVolumeGroupSnapshot({ groupSnapshotId: 'g', snapshotIds: ['g-a'] }),
      /not the snapshots of the request/,
    ],
    [
      'more entries than were asked for',
      { ListVolumes: { entries: [volume('a'), volume('b')] } },
      () => client.listAllVolumes({ maxEntries: 1 }),
      /more than max_entries/,
    ],
    [
      'a name that is none',
      { GetPluginInfo: { name: '' } },
      () => client.getPluginInfo({}),
      /GetPluginInfoResponse\.name/,
    ],
    ['no node ID', { NodeGetInfo: {} }, () => client.nodeGetInfo({}), /node_id/],
    [
      'a token that comes again',
      { ListVolumes: { nextToken: 'again' } },
      () => client.listAllVolumes({}),
      /came twice/,
    ],
    [
      'tokens without end',
      {
        ListSnapshots: ({ startingToken }: { startingToken: string }) => ({
          nextToken: `${startingToken}x`.slice(-9) + Math.random(),
        }),
      },
      () => client.listAllSnapshots({}),
      /no end/,
    ],
  ])('%s is a broken answer that names the clause', async (_title, answers, call, clause) => {
    await start(answers)
    await expect(call()).rejects.toEqual(
      failing({ errorClass: 'broken-answer', details: expect.stringMatching(clause) }),
    )
  })

  test('a list of 5 MB is read; one of more than 16 MiB is a broken answer', async () => {
    const entries = (count: number) =>
      Array.from({ length: count }, (_, index) => volume(`${index}${'x'.repeat(1000)}`))
    await start({
      ListVolumes: ({ maxEntries }: { maxEntries: number }) => ({ entries: entries(maxEntries) }),
    })
    expect((await client.listVolumes({ maxEntries: 5_000 })).entries).toHaveLength(5_000)
    await expect(client.listVolumes({ maxEntries: 20_000 })).rejects.toEqual(
      failing({ errorClass: 'broken-answer', code: status.RESOURCE_EXHAUSTED }),
    )
  })
})

describe('secrets', () => {
  test('are in no error and no log line (which hold 64-bit integers well), whatever field or message repeats them', async () => {
    const lines: string[] = []
    const log = pino({ level: 'trace' }, { write: (line) => lines.push(line) })
    await start({ CreateVolume: volume('v', { capacityBytes: 2n ** 62n }) }, { log })
    await client.createVolume({ name: 'v', capacityRange: { requiredBytes: 2n ** 62n } })
    client.close()
    plugin.die()
    const secrets = { password: 'hunter2-and-more', other: 'hunter2' }
    const repeating = () => refuse(status.INTERNAL, 'login hunter2-and-more / hunter2 failed')
    await start(
      {
        DeleteVolume: repeating,
        ControllerModifyVolume: repeating,
        CreateVolumeGroupSnapshot: repeating,
        DeleteVolumeGroupSnapshot: repeating,
        GetVolumeGroupSnapshot: repeating,
      },
      { log },
    )
    for (const call of [
      () => client.deleteVolume({ volumeId: 'v', secrets }),
      () => client.controllerModifyVolume({ volumeId: 'v', secrets }),
      () => client.createVolumeGroupSnapshot({ name: 'g', sourceVolumeIds: ['v'], secrets }),
      () => client.deleteVolumeGroupSnapshot({ groupSnapshotId: 'g', secrets }),
      () => client.getVolumeGroupSnapshot({ groupSnapshotId: 'g', secrets }),
    ]) {
      const error = await call().then(
        () => expect.unreachable(),
        (reason) => reason,
      )
      expect(error.message).toContain('login ***stripped*** / ***stripped*** failed')
      expect(JSON.stringify([error, error.stack, error.cause ?? null])).not.toContain('hunter2')
    }
    expect(lines.join()).toContain('"password":"***stripped***"')
    expect(lines.join()).not.toContain('hunter2')
  })
})

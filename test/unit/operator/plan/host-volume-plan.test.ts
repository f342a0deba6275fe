import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { planHostVolumeEnd } from '../../../../src/operator/plan/host-volume-end-plan.ts'
import { chooseNode, type PlacementNode } from '../../../../src/operator/plan/host-volume-node.ts'
import { type HostVolumeObservation, planHostVolume } from '../../../../src/operator/plan/host-volume-plan.ts'
import type { HostVolumeRecord } from '../../../../src/operator/plan/record.ts'
import type { HostVolume } from '../../../../src/wire/host-volume.ts'
import { hostVolume } from '../../../builders/declarations.ts'
import { boot, nowAt } from '../../../builders/now.ts'
import { hostVolumeRecord } from '../../../builders/records.ts'

const nowMs = 1_000_000
const node = (ID: string, fields: Partial<PlacementNode> = {}): PlacementNode => ({
  ID,
  Name: `name-of-${ID}`,
  NodePool: 'default',
  Status: 'ready',
  SchedulingEligibility: 'eligible',
  Attributes: { 'plugins.host_volume.mkdir.version': '1' },
  ...fields,
})
const nodesOf = (...list: PlacementNode[]) => new Map(list.map((each) => [each.ID, each]))
const there = (fields: Partial<HostVolume> = {}): HostVolume => ({
  Namespace: 'default',
  ID: 'id-1',
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
  Constraints: null,
  RequestedCapacityMinBytes: 0,
  RequestedCapacityMaxBytes: 0,
  RequestedCapabilities: [{ AccessMode: 'single-node-writer', AttachmentMode: 'file-system' }],
  Parameters: null,
  HostPath: '/volumes/id-1',
  ...fields,
})
const nothing: HostVolumeObservation = {
  namespaceExists: true,
  volume: undefined,
  named: [],
  nodes: nodesOf(node('n1')),
  users: [],
  isRecreateOrdered: false,
  callsEndedBeforeMs: undefined,
}
const request = { Namespace: 'default', Name: 'data', NodeID: 'n1' }
const running = { request, sinceMs: nowMs - 1, sent: { boot, monotonicMs: nowMs - 1 }, mayRunMs: 1_000 }
const over = { ...running, mayRunMs: 1 }
const known = { externalID: 'id-1', nodeID: 'n1', identified: { boot, monotonicMs: 1 } }

type Row = [
  string,
  Parameters<typeof hostVolume>[1],
  Partial<HostVolumeRecord>,
  Partial<HostVolumeObservation>,
  string | undefined,
  string,
]

describe('planHostVolume', () => {
  it.each<Row>([
    ['creates it where nothing has its name', {}, {}, {}, 'create-host-volume', 'Creating'],
    ['does nothing while it is suspended', { suspend: true }, {}, {}, undefined, 'Suspended'],
    ['waits for its Nomad namespace', {}, {}, { namespaceExists: false }, undefined, 'NamespaceNotFound'],
    ['waits for a node', {}, {}, { nodes: new Map() }, undefined, 'NoNode'],
    ['adopts the only one of its name', {}, {}, { named: [there()] }, 'adopt-host-volume', 'Adopting'],
    [
      'does not guess between several of its name',
      {},
      {},
      { named: [there(), there({ ID: 'id-2', NodeID: 'n2' })] },
      undefined,
      'SeveralHostVolumes',
    ],
    [
      'adopts the one on the declared node among several of its name',
      { placement: { node: 'name-of-n1' } },
      {},
      { named: [there(), there({ ID: 'id-2', NodeID: 'n2' })] },
      'adopt-host-volume',
      'Adopting',
    ],
    [
      'takes the one that a lost answer made',
      {},
      { intent: running },
      { named: [there()] },
      'adopt-host-volume',
      'Created',
    ],
    [
      'does not take one on another node for what a lost answer made',
      {},
      { intent: running },
      { named: [there({ NodeID: 'n2' })] },
      undefined,
      'OutcomeUnknown',
    ],
    ['waits while a create may still run', {}, { intent: running }, {}, undefined, 'OutcomeUnknown'],
    [
      'repeats a create after its deadline',
      {},
      { intent: over },
      {},
      'create-host-volume',
      'RepeatingCreate',
    ],
    [
      'repeats a create on its node, although another node would be chosen now',
      {},
      { intent: over },
      { nodes: nodesOf(node('n2')) },
      'create-host-volume',
      'RepeatingCreate',
    ],
    ['is ready where Nomad has it so', {}, known, { volume: there() }, undefined, 'AsDeclared'],
    [
      'waits until its node has told of it',
      {},
      known,
      { volume: there({ State: 'pending' }) },
      undefined,
      'HostVolumePending',
    ],
    [
      'makes no other in the place of one whose node is away',
      {},
      known,
      { volume: there({ State: 'unavailable' }) },
      undefined,
      'HostVolumeUnavailable',
    ],
    ['makes no blank one in the place of a lost one', {}, known, {}, undefined, 'HostVolumeVanished'],
    [
      'makes no blank one in the place of one that was released before and is lost since',
      {},
      { externalID: 'id-1' },
      {},
      undefined,
      'HostVolumeVanished',
    ],
    [
      'adopts another one of its name in the place of one that was released before',
      {},
      { externalID: 'id-1' },
      { named: [there({ ID: 'id-2' })] },
      'adopt-host-volume',
      'Adopting',
    ],
    [
      'gives a lost one up by order',
      {},
      known,
      { isRecreateOrdered: true },
      'recreate-host-volume',
      'Recreating',
    ],
    [
      'forgets the order where the lost one is back',
      {},
      known,
      { volume: there(), isRecreateOrdered: true },
      'forget-recreate-order',
      'NotRecreated',
    ],
    [
      'reports another plugin',
      { pluginID: 'mkfs' },
      known,
      { volume: there() },
      undefined,
      'ImmutableFieldChanged',
    ],
    [
      'reports another node pool',
      { placement: { nodePool: 'storage' } },
      known,
      { volume: there() },
      undefined,
      'ImmutableFieldChanged',
    ],
    [
      'reports another node',
      { placement: { node: 'n2' } },
      known,
      { volume: there() },
      undefined,
      'ImmutableFieldChanged',
    ],
    [
      'knows its node by name',
      { placement: { node: 'name-of-n1' } },
      known,
      { volume: there() },
      undefined,
      'AsDeclared',
    ],
    [
      'reports other parameters',
      { parameters: { mode: '0700' } },
      known,
      { volume: there() },
      undefined,
      'ImmutableFieldChanged',
    ],
    [
      'reports other capabilities',
      { capabilities: [{ accessMode: 'single-node-multi-writer', attachmentMode: 'file-system' }] },
      known,
      { volume: there() },
      undefined,
      'ImmutableFieldChanged',
    ],
    [
      'expands it while nothing uses it',
      { capacity: { min: 5n } },
      known,
      { volume: there() },
      'expand-host-volume',
      'Expanding',
    ],
    [
      'does not expand it while something uses it',
      { capacity: { min: 5n } },
      known,
      { volume: there(), users: ['a1'] },
      undefined,
      'InUse',
    ],
    [
      'asks once for a capacity that the plugin does not report',
      { capacity: { min: 5n } },
      known,
      { volume: there({ RequestedCapacityMinBytes: 5 }) },
      undefined,
      'AsDeclared',
    ],
    [
      'waits while an expand may still run',
      { capacity: { min: 5n } },
      { ...known, intent: running },
      { volume: there() },
      undefined,
      'OutcomeUnknown',
    ],
    [
      'repeats an expand after its deadline',
      { capacity: { min: 5n } },
      { ...known, intent: over },
      { volume: there() },
      'expand-host-volume',
      'Expanding',
    ],
    [
      'never shrinks it',
      { capacity: { max: 2n } },
      known,
      { volume: there({ CapacityBytes: 5 }) },
      undefined,
      'CannotShrink',
    ],
  ])('%s', (_case, spec, fields, seen, step, reason) => {
    const declaration = hostVolume('data', spec)
    const record = hostVolumeRecord(declaration, fields)
    const decision = planHostVolume(declaration, record, { ...nothing, ...seen }, nowAt(nowMs))
    expect([decision.step, decision.verdict.reason]).toEqual([step, reason])
  })
})

describe('planHostVolumeEnd', () => {
  const Delete = { deletionPolicy: 'Delete' } as const
  const declaration = hostVolume('data', Delete)
  it.each<Row>([
    ['forgets what was never created', Delete, {}, {}, 'release', 'NeverCreated'],
    ['leaves it in Nomad under Retain', {}, known, { volume: there() }, 'release', 'Retained'],
    [
      'leaves a suspended one in Nomad',
      { ...Delete, suspend: true },
      known,
      { volume: there() },
      'release',
      'Retained',
    ],
    ['deletes it under Delete', Delete, known, { volume: there() }, 'delete-host-volume', 'Deleting'],
    [
      'waits for allocations that may use it',
      Delete,
      known,
      { volume: there(), users: ['a1'] },
      undefined,
      'InUse',
    ],
    [
      'waits for allocations also after a delete was sent',
      Delete,
      { ...known, end: { declaration, sent: { boot, monotonicMs: nowMs } } },
      { volume: there(), users: ['a1'] },
      undefined,
      'InUse',
    ],
    [
      'waits for its node',
      Delete,
      known,
      { volume: there({ State: 'unavailable' }) },
      undefined,
      'HostVolumeUnavailable',
    ],
    ['is done where Nomad has it no more', Delete, known, {}, 'release', 'Deleted'],
    ['waits for a create that may still run', Delete, { intent: running }, {}, undefined, 'OutcomeUnknown'],
    [
      'takes up what a lost create made, to end that',
      Delete,
      { intent: over },
      { named: [there()] },
      'adopt-host-volume',
      'Created',
    ],
    ['never repeats a create to end it', Delete, { intent: over }, {}, 'release', 'OutcomeUnknown'],
    [
      'waits for an expand that may still run',
      Delete,
      { ...known, intent: running },
      { volume: there() },
      undefined,
      'OutcomeUnknown',
    ],
    [
      'says that a delete may have been done where a person retains it afterwards',
      {},
      { ...known, end: { declaration, sent: { boot, monotonicMs: nowMs } } },
      { volume: there() },
      'release',
      'OutcomeUnknown',
    ],
  ])('%s', (_case, spec, fields, seen, step, reason) => {
    const record = hostVolumeRecord(hostVolume('data', spec), fields)
    const decision = planHostVolumeEnd(record, { ...nothing, ...seen }, nowAt(nowMs))
    expect([decision.step, decision.verdict.reason]).toEqual([step, reason])
  })
})

describe('chooseNode', () => {
  const spec = (placement = {}) => hostVolume('data', { placement }).spec
  const choose = (nodes: PlacementNode[], placement = {}, taken: string[] = []) =>
    chooseNode('HostVolume/default/data', spec(placement), nodesOf(...nodes), new Set(taken))

  it.each<[string, PlacementNode[], object, string[], RegExp]>([
    ['no node is in the pool', [], {}, [], /node pool "default" has no nodes/],
    ['no node is called so', [node('n1')], { node: 'x' }, [], /no node has the ID or the name "x"/],
    ['it is down', [node('n1', { Status: 'down' })], {}, [], /1 not ready, or not eligible/],
    [
      'it is not eligible',
      [node('n1', { SchedulingEligibility: 'ineligible' })],
      {},
      [],
      /1 not ready, or not eligible/,
    ],
    ['it lacks the plugin', [node('n1', { Attributes: null })], {}, [], /1 without plugin "mkdir"/],
    ['it has one of the name', [node('n1')], {}, ['n1'], /1 with another volume of this name/],
    [
      'two are called so',
      [node('n1', { Name: 'x' }), node('n2', { Name: 'x' })],
      { node: 'x' },
      [],
      /2 nodes have the name/,
    ],
  ])('says why where %s', (_case, nodes, placement, taken, why) => {
    expect(choose(nodes, placement, taken)).toEqual({ why: expect.stringMatching(why) })
  })

  it('chooses the same node of the same nodes in any order, and keeps it where a node joins that is not better', () => {
    fc.assert(
      fc.property(
        fc
          .uniqueArray(fc.string({ minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 8 })
          .chain((ids) =>
            fc.tuple(
              fc.constant(ids),
              fc.shuffledSubarray(ids, { minLength: ids.length, maxLength: ids.length }),
            ),
          ),
        ([ids, shuffled]) => {
          const chosen = choose(ids.map((id) => node(id)))
          expect(choose(shuffled.map((id) => node(id)))).toEqual(chosen)
          const fewer = ids.filter((id) => !('ID' in chosen) || id === chosen.ID || id !== ids[0])
          expect(choose(fewer.map((id) => node(id)))).toEqual(chosen)
        },
      ),
    )
  })
})

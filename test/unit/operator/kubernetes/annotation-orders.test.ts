import { describe, expect, it } from 'vitest'
import type { KubernetesObject } from '../../../../src/kube/api.ts'
import { OperationError, UsageError } from '../../../../src/lib/errors.ts'
import { silentLog } from '../../../../src/lib/log.ts'
import { createAnnotationOrders } from '../../../../src/operator/kubernetes/annotation-orders.ts'
import { viewObject } from '../../../../src/operator/kubernetes/object-view.ts'
import { type ObjectStatus, readStatus } from '../../../../src/operator/kubernetes/status.ts'
import type { Order } from '../../../../src/operator/orders/order.ts'
import { expandPerAlloc } from '../../../../src/operator/plan/per-alloc.ts'
import type { InventoryRecord } from '../../../../src/operator/plan/record.ts'
import { conditionsOf } from '../../../../src/operator/plan/status.ts'
import { volumeObject } from '../../../builders/objects.ts'
import { volumeRecord } from '../../../builders/records.ts'

type Spec = Readonly<Record<string, unknown>>

/** Volume objects whose volumes are managed, each of which has vanished, and what becomes of their annotations. */
function world(specs: Readonly<Record<string, Spec>> = { data: {} }) {
  const objects = new Map<string, KubernetesObject>(
    Object.entries(specs).map(([name, spec]) => [name, volumeObject(name, spec)]),
  )
  const views = () => [...objects.values()].map((object) => viewObject(object, new Map([['*', ['*']]])))
  const events: string[] = []
  const ordered: Order[] = []
  /** What orders for a key are refused or fail by. */
  const failures = new Map<string, Error>()
  const records = new Map<string, InventoryRecord>()
  const conditions = conditionsOf({ state: 'stalled', reason: 'Vanished', message: '' }, [], 0)
  for (const { declaration } of views()) {
    for (const [index, each] of (declaration === undefined ? [] : expandPerAlloc(declaration)).entries()) {
      if (each.kind !== 'Volume') continue
      const record = volumeRecord(each, { externalID: `vol-${index}`, status: { conditions } })
      records.set(record.key, record)
    }
  }
  const { follow } = createAnnotationOrders({
    writer: {
      current: (object) => objects.get(object.metadata.name),
      async writeStatus({ metadata: { name } }, change) {
        const object = objects.get(name)
        const status = object && change(readStatus(object))
        if (status !== undefined) objects.set(name, { ...object, status } as KubernetesObject)
      },
      event: (_object, _type, reason) => events.push(reason),
    },
    inventory: { get: (key) => records.get(key), orders: () => ({}) },
    async takeOrder(order) {
      const failure = failures.get(order.key)
      if (failure !== undefined) throw failure
      ordered.push(order)
      return 'ordered'
    },
    log: silentLog,
  })
  return {
    events,
    ordered,
    failures,
    refuse: (key: string) => failures.set(key, new UsageError(`${key} is refused`)),
    status: (): ObjectStatus => readStatus(objects.get('data') ?? volumeObject('data')),
    follow: () => follow(views()),
    async annotate(annotations: Readonly<Record<string, string>>, name = 'data') {
      const object = objects.get(name)
      if (object === undefined) throw new Error(`there is no object "${name}"`)
      objects.set(name, { ...object, metadata: { ...object.metadata, annotations } })
      await follow(views())
    },
  }
}

describe('an order in an annotation', () => {
  it('is taken once, and again only as another value', async () => {
    const { ordered, events, status, annotate } = world()
    await annotate({ 'mooring.dev/node-is-dead': '8f3c' })
    await annotate({ 'mooring.dev/node-is-dead': '8f3c' })
    expect(ordered).toEqual([{ type: 'detach', key: 'Volume/team-a/data', node: '8f3c', allocations: [] }])
    expect(events).toEqual(['DetachOrdered'])
    expect(status()).toEqual({ lastHandledNodeIsDead: '8f3c' })
    await annotate({})
    expect(status()).toEqual({})
    await annotate({ 'mooring.dev/node-is-dead': '8f3c' })
    expect(ordered).toHaveLength(2)
  })

  it('names the allocations that are confirmed to be dead', async () => {
    const { ordered, annotate } = world()
    await annotate({ 'mooring.dev/node-is-dead': '8f3c@a1,a2' })
    expect(ordered).toMatchObject([{ type: 'detach', node: '8f3c', allocations: ['a1', 'a2'] }])
  })

  it('counts as taken where it is refused, and an event says why', async () => {
    const { events, refuse, status, annotate } = world()
    refuse('Volume/team-a/data')
    await annotate({ 'mooring.dev/node-is-dead': 'ffff' })
    expect(events).toEqual(['DetachRefused'])
    expect(status()).toEqual({ lastHandledNodeIsDead: 'ffff' })
  })

  it('that is refused costs itself alone, and is told once: every other order of every object is taken', async () => {
    const { events, ordered, refuse, annotate, follow } = world({ lost: {}, other: {}, data: {} })
    refuse('Volume/team-a/lost')
    refuse('Volume/team-a/other')
    await annotate({ 'mooring.dev/recreate': 'vol-0', 'mooring.dev/node-is-dead': 'ffff' }, 'lost')
    await annotate({ 'mooring.dev/restore-from': 'good@vol-0' }, 'other')
    await annotate({ 'mooring.dev/node-is-dead': '8f3c' }, 'data')
    await follow()
    expect(events).toEqual(['DetachRefused', 'RecreateRefused', 'RestoreRefused', 'DetachOrdered'])
    expect(ordered).toEqual([{ type: 'detach', key: 'Volume/team-a/data', node: '8f3c', allocations: [] }])
  })

  it('that could be taken now is taken, where it was refused before', async () => {
    const { events, failures, refuse, annotate, follow } = world()
    refuse('Volume/team-a/data')
    await annotate({ 'mooring.dev/recreate': 'vol-0' })
    failures.clear()
    await follow()
    expect(events).toEqual(['RecreateRefused', 'RecreateOrdered'])
  })

  it('that nobody could answer is told once, and tried again until somebody does', async () => {
    const { events, ordered, failures, status, annotate, follow } = world()
    failures.set(
      'Volume/team-a/data',
      new OperationError('Nomad is away', { kind: 'transient', reason: 'NomadUnreachable' }),
    )
    await annotate({ 'mooring.dev/restore-from': 'good@vol-0' })
    await follow()
    expect([events, status()]).toEqual([['RestoreDelayed'], {}])
    failures.clear()
    await follow()
    expect(events).toEqual(['RestoreDelayed', 'RestoreOrdered'])
    expect(ordered).toHaveLength(1)
    expect(status()).toEqual({ lastHandledRestoreFrom: 'good@vol-0' })
  })

  it.each([
    [
      'of a node is about every volume that is there',
      { 'mooring.dev/node-is-dead': '8f3c' },
      { type: 'detach', node: '8f3c', allocations: [] },
    ],
    [
      'for a restore is about the one that it names',
      { 'mooring.dev/restore-from': 'good@vol-1' },
      { type: 'restore', snapshot: 'good' },
    ],
    [
      'to go back is about the one that it names',
      { 'mooring.dev/restore-from': 'replaced:vol@9@vol-1' },
      { type: 'restoreBack', externalID: 'vol@9' },
    ],
  ])('%s', async (_title, annotations, order) => {
    const { events, ordered, refuse, annotate } = world({ data: { perAlloc: { count: 2 } } })
    refuse('Volume/team-a/data[0]')
    await annotate(annotations)
    expect(events).toEqual([expect.stringMatching(/Ordered$/)])
    expect(ordered).toEqual([{ key: 'Volume/team-a/data[1]', ...order }])
  })

  it.each(['good', '@vol-0', 'good@', 'good@vol-7', 'replaced:vol-3@vol-7'])(
    'for a restore is refused as "%s"',
    async (given) => {
      const { events, ordered, annotate } = world()
      await annotate({ 'mooring.dev/restore-from': given })
      expect([events, ordered]).toEqual([['RestoreRefused'], []])
    },
  )
})

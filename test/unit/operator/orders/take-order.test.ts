import { describe, expect, it } from 'vitest'
import type { Declaration } from '../../../../src/operator/declare/declaration.ts'
import { createMemoryInventory, emptyContents } from '../../../../src/operator/inventory/memory-inventory.ts'
import type { Order } from '../../../../src/operator/orders/order.ts'
import { createTakeOrder } from '../../../../src/operator/orders/take-order.ts'
import { keyOf } from '../../../../src/operator/plan/identity.ts'
import type { Orders } from '../../../../src/operator/plan/orders.ts'
import { expandPerAlloc } from '../../../../src/operator/plan/per-alloc.ts'
import { beginRecord } from '../../../../src/operator/plan/ports.ts'
import type { InventoryRecord, SnapshotScheduleRecord } from '../../../../src/operator/plan/record.ts'
import { conditionsOf } from '../../../../src/operator/plan/status.ts'
import { schedule, snapshot, volume } from '../../../builders/declarations.ts'
import { clockOf } from '../../../builders/now.ts'
import { objectPlace } from '../../../builders/objects.ts'
import { snapshotRecord, volumeRecord } from '../../../builders/records.ts'

const key = 'Volume/default/data'
const nowMs = 1_000

async function world(options: {
  records?: readonly InventoryRecord[]
  declared?: readonly Declaration[]
  stored?: Orders
  refusal?: string
}) {
  const inventory = createMemoryInventory(emptyContents, (text) => text)
  for (const record of options.records ?? []) {
    await beginRecord(inventory, record)
    if (record.kind === 'Snapshot' && record.schedule?.isExpired)
      await inventory.amendOrders(record.key, () => ({ expiry: { policy: 'Delete', atMs: 0 } }))
  }
  if (options.stored !== undefined) await inventory.amendOrders(key, () => options.stored ?? {})
  const looked: string[] = []
  const take = createTakeOrder({
    inventory,
    declarations: () => new Map((options.declared ?? []).map((each) => [keyOf(each), each])),
    clock: clockOf(() => nowMs),
    region: 'global',
    ask: async () => options.refusal,
    look: (each) => looked.push(each),
  })
  return {
    take,
    looked,
    orders(of = key) {
      const { given: _, ...orders } = inventory.orders(of)
      return orders
    },
    given: (of = key) => inventory.orders(of).given,
  }
}

const data = (fields: Parameters<typeof volumeRecord>[1] = {}) =>
  volumeRecord(volume('data', { secrets: {} }), { externalID: 'vol-1', ...fields })
const vanished = {
  conditions: conditionsOf({ state: 'stalled', reason: 'Vanished', message: 'lost' }, [], 0),
}
const ready = { conditions: conditionsOf({ state: 'ready', reason: 'ReadyToUse', message: '' }, [], 0) }
const good = snapshotRecord(snapshot('good', 'data'), {
  snapshotID: 'snap-1',
  pluginID: 'directories',
  status: ready,
})
const restore = { snapshotID: 'snap-1', externalID: 'vol-1', atMs: 5 }
const missing = { sinceMs: 5, isSeen: true, elapsedMs: 0 }
const deleted = volumeRecord(volume('data', {}, objectPlace('Volume team-a/data', 'uid-1')), {
  externalID: 'vol-1',
})
const instances = expandPerAlloc(volume('set', { perAlloc: { count: 2, whenScaled: 'Retain' } })).flatMap(
  (each) => (each.kind === 'Volume' ? [each] : []),
)
const scheduled = snapshotRecord(snapshot('nightly:data:1', 'data'), {
  schedule: { schedule: 'SnapshotSchedule/default/nightly', volume: key, tickMs: 0, isExpired: false },
})

const leapt: SnapshotScheduleRecord = {
  kind: 'SnapshotSchedule',
  key: 'SnapshotSchedule/default/nightly',
  declaration: schedule('nightly', ['data']),
  csiName: '',
  incarnation: 0,
  sinceMs: 0,
  ticks: {},
  status: { conditions: conditionsOf({ state: 'stalled', reason: 'ClockLeapt', message: '' }, [], 0) },
}
const trusted: SnapshotScheduleRecord = { ...leapt, status: ready }

describe('an order that is taken', () => {
  it.each<[string, Parameters<typeof world>[0], Order, Orders, RegExp]>([
    [
      'suspends what is declared and was not looked at yet',
      { declared: [volume('data')] },
      { type: 'suspend', key },
      { suspendedSinceMs: nowMs },
      /is suspended: nothing is done for it until mooring resume Volume\/default\/data$/,
    ],
    [
      'suspends once, since the first time',
      { records: [data()], stored: { suspendedSinceMs: 5 } },
      { type: 'suspend', key },
      { suspendedSinceMs: 5 },
      /is suspended/,
    ],
    [
      'resumes, and leaves other orders alone',
      { records: [data()], stored: { suspendedSinceMs: 5, restore } },
      { type: 'resume', key },
      { restore },
      /is resumed/,
    ],
    [
      'cancels the end of an absence',
      { records: [data({ missing })] },
      { type: 'cancelEnd', key },
      { cancelledEnd: { sinceMs: 5 } },
      /nothing is deleted. External volume "vol-1" stays .* Nomad keeps its volume.*declare it again$/,
    ],
    [
      'cancels an end that a person confirmed without a sight of it',
      { records: [data({ missing: { ...missing, isSeen: false } })], stored: { removal: { sinceMs: 5 } } },
      { type: 'cancelEnd', key },
      { removal: { sinceMs: 5 }, cancelledEnd: { sinceMs: 5 } },
      /nothing is deleted/,
    ],
    [
      'cancels an end that is suspended, for later',
      { records: [data({ missing })], stored: { suspendedSinceMs: 5 } },
      { type: 'cancelEnd', key },
      { suspendedSinceMs: 5, cancelledEnd: { sinceMs: 5 } },
      /It is suspended, so this happens after mooring resume Volume\/default\/data$/,
    ],
    [
      'gives up what is lost',
      { records: [data({ status: vanished })] },
      { type: 'recreate', key, lostExternalID: 'vol-1' },
      { recreate: { externalID: 'vol-1', atMs: nowMs } },
      /gives up external volume "vol-1"/,
    ],
    [
      'restores from a snapshot by its name',
      { records: [data(), good] },
      { type: 'restore', key, snapshot: 'good' },
      { restore: { snapshotID: 'snap-1', externalID: 'vol-1', atMs: nowMs } },
      /is to be restored from snapshot "snap-1"/,
    ],
    [
      'takes a restore back that was not begun',
      { records: [data()], stored: { restore } },
      { type: 'undoRestore', key },
      {},
      /the order is taken back/,
    ],
    [
      'takes a volume off a node, for the allocations that hold it now',
      {
        records: [data({ status: { conditions: [], attachedNodes: ['n1'], claimNodes: { a1: 'n1' } } })],
        stored: { detach: [{ nodeID: 'n1', allocations: [], atMs: 5 }] },
      },
      { type: 'detach', key, node: 'n' },
      { detach: [{ nodeID: 'n1', allocations: ['a1'], atMs: nowMs }] },
      /is taken off node n1/,
    ],
  ])('%s', async (_title, given, order, stored, message) => {
    const { take, orders, looked } = await world(given)
    expect(await take(order)).toMatch(message)
    expect(orders()).toEqual(stored)
    expect(looked).toEqual([key])
  })

  it('keeps a snapshot of a schedule, wakes the schedule, and releases it again', async () => {
    const { take, orders, looked } = await world({ records: [scheduled] })
    expect(await take({ type: 'keepSnapshot', key: scheduled.key })).toMatch(/is kept.* --release$/)
    expect(orders(scheduled.key)).toEqual({ keptSinceMs: nowMs })
    expect(looked).toEqual([scheduled.key, 'SnapshotSchedule/default/nightly'])
    await take({ type: 'releaseSnapshot', key: scheduled.key })
    expect(orders(scheduled.key)).toEqual({})
  })

  it('confirms the date of a schedule whose clock leapt', async () => {
    const { take, orders, looked } = await world({ records: [leapt] })
    expect(await take({ type: 'trustClock', key: leapt.key })).toMatch(/for the right date/)
    expect(orders(leapt.key)).toEqual({ trustedClock: { dateMs: nowMs, boot: 'boot-1', uptimeMs: nowMs } })
    expect(looked).toEqual([leapt.key])
  })

  it('for a declaration with perAlloc is stored once, and wakes each of its volumes', async () => {
    const { take, looked } = await world({ declared: expandPerAlloc(volume('data', { perAlloc: twice })) })
    await take({ type: 'suspend', key })
    expect(looked).toEqual([key, `${key}[0]`, `${key}[1]`])
  })
})

const twice = { count: 2, whenScaled: 'Retain' } as const

describe('what was ordered', () => {
  const by = { via: 'command', user: 'alice' }

  it('is recorded with who gave it and what it does, the newest first, up to ten', async () => {
    const { take, given } = await world({ records: [data()] })
    for (let round = 0; round < 6; round++) {
      await take({ type: 'suspend', key }, by)
      await take({ type: 'resume', key })
    }
    expect(given()).toHaveLength(10)
    expect(given()?.slice(0, 2)).toEqual([
      { type: 'resume', message: `${key} is resumed`, atMs: nowMs },
      { type: 'suspend', message: expect.stringContaining(`${key} is suspended`), by, atMs: nowMs },
    ])
  })

  it('is not recorded where it is refused', async () => {
    const { take, given } = await world({ records: [data()] })
    await expect(take({ type: 'resume', key }, by)).rejects.toThrow('is not suspended')
    expect(given()).toBeUndefined()
  })
})

describe('an order that is refused', () => {
  it.each<[string, Parameters<typeof world>[0], Order, RegExp]>([
    [
      'to confirm a date that is not in doubt',
      { records: [trusted] },
      { type: 'trustClock', key: trusted.key },
      /no date to confirm/,
    ],
    [
      'to take snapshots while the date, which their names contain, is in doubt',
      { records: [leapt] },
      { type: 'takeSnapshots', key: leapt.key },
      /set the clock, or run mooring snapshot trust-clock SnapshotSchedule\/default\/nightly/,
    ],
    [
      'to cancel the end of what is declared',
      { records: [deleted], declared: [deleted.declaration] },
      { type: 'cancelEnd', key },
      /does not end: it is declared/,
    ],
    [
      'to cancel the end of a deleted object, which is told so itself',
      { records: [deleted] },
      { type: 'cancelEnd', key },
      /To keep the volume or snapshot and remove only the object, annotate it mooring.dev\/release=retain/,
    ],
    [
      'to cancel an end that is in doubt',
      { records: [data({ missing: { ...missing, isSeen: false } })] },
      { type: 'cancelEnd', key },
      /does not end: nobody saw the removal/,
    ],
    [
      'to cancel an end whose delete was sent',
      { records: [data({ missing, end: { phase: 'delete', tombstoneID: 't' } })] },
      { type: 'cancelEnd', key },
      /cannot be cancelled any more: the delete of external volume "vol-1" was sent to plugin "directories"/,
    ],
    [
      'to cancel the end of a snapshot that retention ends',
      { records: [scheduled] },
      { type: 'cancelEnd', key: scheduled.key },
      /retention ends it: to keep it, run mooring snapshot keep/,
    ],
    [
      'to cancel the ends of several volumes at once',
      { records: instances.map((each) => volumeRecord(each, { missing })) },
      { type: 'cancelEnd', key: 'Volume/default/set' },
      /each has an end of its own: mooring cancel-end 'Volume\/default\/set\[0\]', mooring cancel-end/,
    ],
    ['of what is not there', {}, { type: 'suspend', key }, /neither declared nor managed: mooring status/],
    [
      'of what no pass has looked at',
      { declared: [volume('data')] },
      { type: 'detach', key, node: 'n' },
      /has not looked at .* yet: wait/,
    ],
    ['to resume what is not suspended', { records: [data()] }, { type: 'resume', key }, /is not suspended/],
    [
      'to resume what its declaration suspends',
      { declared: [volume('data', { suspend: true })] },
      { type: 'resume', key },
      /by spec.suspend in its declaration: change it there/,
    ],
    [
      'to recreate what is not lost',
      { records: [data()] },
      { type: 'recreate', key, lostExternalID: 'vol-1' },
      /is not recreated: it has not vanished/,
    ],
    [
      'to restore from a snapshot that is not ready',
      { records: [data(), { ...good, status: { conditions: [] } }] },
      { type: 'restore', key, snapshot: 'good' },
      /is not restored: snapshot "good" is not ready/,
    ],
    [
      'to replace another external volume than the person saw',
      { records: [data(), good] },
      { type: 'restore', key, snapshot: 'good', replaces: 'vol-0' },
      /to replace external volume "vol-0", and it has "vol-1" by now/,
    ],
    [
      'by Nomad or the plugin',
      { records: [data(), good], refusal: 'it is in use' },
      { type: 'restore', key, snapshot: 'good' },
      /it is in use/,
    ],
    [
      'to go back to what was never replaced',
      { records: [data()] },
      { type: 'restoreBack', key, externalID: 'vol-0' },
      /no restore of it replaced external volume "vol-0"/,
    ],
    [
      'to undo a restore that there is not',
      { records: [data()] },
      { type: 'undoRestore', key },
      /has no restore under way/,
    ],
    [
      'to keep a declared snapshot',
      { records: [good] },
      { type: 'keepSnapshot', key: good.key },
      /no schedule made .* deletionPolicy: Retain/,
    ],
    [
      'to keep a snapshot that has expired',
      {
        records: [
          { ...scheduled, schedule: { schedule: 's', volume: key, tickMs: 0, isExpired: true } as const },
        ],
      },
      { type: 'keepSnapshot', key: scheduled.key },
      /has expired/,
    ],
    [
      'to release a snapshot that is not kept',
      { records: [scheduled] },
      { type: 'releaseSnapshot', key: scheduled.key },
      /is not kept by an order/,
    ],
  ])('%s stores nothing', async (_title, given, order, message) => {
    const { take, orders, looked } = await world(given)
    const before = orders(order.key)
    await expect(take(order)).rejects.toThrow(message)
    expect([orders(order.key), looked]).toEqual([before, []])
  })
})

import { describe, expect, it } from 'vitest'
import type { Declaration } from '../../../../src/operator/declare/declaration.ts'
import { createMemoryInventory, emptyContents } from '../../../../src/operator/inventory/memory-inventory.ts'
import { parseOrder } from '../../../../src/operator/orders/order.ts'
import { createTakeOrder } from '../../../../src/operator/orders/take-order.ts'
import { keyOf } from '../../../../src/operator/plan/identity.ts'
import { beginRecord } from '../../../../src/operator/plan/ports.ts'
import { conditionsOf } from '../../../../src/operator/plan/status.ts'
import { schedule, volume } from '../../../builders/declarations.ts'
import { clockOf } from '../../../builders/now.ts'
import { volumeRecord } from '../../../builders/records.ts'

const nowMs = Date.UTC(2026, 7, 2, 3, 0, 0, 400)

/** Schedules of volume `data` by these names, of which `fresh` was not created yet. */
async function world(...schedules: ReturnType<typeof schedule>[]) {
  const inventory = createMemoryInventory(emptyContents, (text) => text)
  const data = volume('data')
  const fresh = volume('fresh')
  const declarations: Declaration[] = [data, fresh, ...schedules]
  await beginRecord(inventory, volumeRecord(data, { externalID: 'vol-1' }))
  await beginRecord(inventory, volumeRecord(fresh))
  for (const declaration of schedules) {
    await beginRecord(inventory, {
      ...{ kind: 'SnapshotSchedule', key: `SnapshotSchedule/default/${declaration.name}`, declaration },
      ...{ csiName: '', incarnation: 0, sinceMs: 0, ticks: {}, status: { conditions: [] } },
    })
  }
  const looked: string[] = []
  const take = createTakeOrder({
    inventory,
    declarations: () => new Map(declarations.map((each) => [keyOf(each), each])),
    clock: clockOf(() => nowMs),
    region: 'global',
    look: (key) => looked.push(key),
  })
  return {
    inventory,
    async start(key: string, of?: string) {
      const message = await take(
        parseOrder({ type: 'takeSnapshots', key, ...(of === undefined ? {} : { volume: of }) }),
      )
      return { message, keys: looked.filter((each) => each.startsWith('Snapshot/')) }
    },
  }
}

describe('an order to take snapshots now', () => {
  it('records a snapshot of each volume of the schedule, and leaves out what cannot be taken', async () => {
    const { inventory, start } = await world(schedule('nightly', ['data', 'fresh']))
    const { message, keys } = await start('SnapshotSchedule/default/nightly')
    expect(keys).toEqual(['Snapshot/default/nightly:data:20260802T030000Z'])
    expect(message).toMatch(/left out: volume "fresh" does not exist yet/)
    expect(inventory.get(keys[0] ?? '')).toMatchObject({
      schedule: { schedule: 'SnapshotSchedule/default/nightly', tickMs: nowMs - 400, isExpired: false },
    })
    expect(inventory.get('SnapshotSchedule/default/nightly')).toMatchObject({ ticks: {} })
  })

  it('has one snapshot in flight for each volume (snapscheduler#346)', async () => {
    const { inventory, start } = await world(schedule('nightly', ['data']))
    // Where no schedule has the name, the volume of that name is meant.
    const { keys } = await start('SnapshotSchedule/default/data')
    await expect(start('SnapshotSchedule/default/nightly')).rejects.toThrow(/still in flight/)
    const verdict = { state: 'ready', reason: 'ReadyToUse', message: '' } as const
    const begun = inventory.managed(keys[0] ?? '')
    if (begun === undefined) throw new Error('no snapshot was begun')
    await inventory.put({ ...begun, status: { conditions: conditionsOf(verdict, [], nowMs) } })
    await expect(start('SnapshotSchedule/default/nightly')).rejects.toThrow(/is there already/)
  })

  it('takes no name again whose snapshot was released and still exists', async () => {
    const { inventory, start } = await world(schedule('nightly', ['data']))
    const { keys } = await start('SnapshotSchedule/default/nightly')
    const [key = ''] = keys
    await inventory.release({
      key,
      pluginID: 'directories',
      externalID: 'snap-1',
      reason: 'Retained',
      atMs: nowMs,
    })
    await inventory.delete(key)
    await expect(start('SnapshotSchedule/default/nightly')).rejects.toThrow(
      /of this second was released and still exists: order it again/,
    )
  })

  it.each<[string, Parameters<typeof schedule>[], string, string | undefined, RegExp]>([
    [
      'a volume that no schedule selects',
      [],
      'Volume/default/data',
      undefined,
      /declare a SnapshotSchedule.*or a Snapshot/,
    ],
    ['what is neither', [], 'SnapshotSchedule/default/other', undefined, /neither a schedule nor a volume/],
    [
      'a volume that several select, and says how to choose',
      [
        ['nightly', ['data']],
        ['weekly', ['data']],
      ],
      'Volume/default/data',
      undefined,
      /\(nightly, weekly\).*snapshot now default\/nightly --volume default\/data/,
    ],
    [
      'a schedule that is suspended',
      [['nightly', ['data'], { suspend: true }]],
      'SnapshotSchedule/default/nightly',
      undefined,
      /suspended/,
    ],
    [
      'a volume that the schedule does not select',
      [['nightly', ['data']]],
      'SnapshotSchedule/default/nightly',
      'Volume/default/fresh',
      /selects no Volume/,
    ],
  ])('refuses %s', async (_title, schedules, target, of, expected) => {
    const { start } = await world(...schedules.map((each) => schedule(...each)))
    await expect(start(target, of)).rejects.toThrow(expected)
  })
})

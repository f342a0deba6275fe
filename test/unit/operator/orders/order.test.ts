import { describe, expect, it } from 'vitest'
import { Order, parseOrder } from '../../../../src/operator/orders/order.ts'

describe('parseOrder', () => {
  it.each([
    { type: 'suspend', key: 'SnapshotSchedule/default/nightly' },
    { type: 'recreate', key: 'Volume/default/set[2]', lostExternalID: 'vol-1' },
    { type: 'takeSnapshots', key: 'Volume/default/data' },
    {
      type: 'takeSnapshots',
      key: 'SnapshotSchedule/default/nightly',
      volume: 'Volume/default/data',
    },
  ])('takes $type of $key', (order) => {
    expect(parseOrder(order)).toEqual(order)
  })

  it.each<[string, unknown, RegExp]>([
    ['what is no object', 'suspend', /an order is an object such as/],
    [
      'an order that is none, and says which there are',
      { type: 'destroy', key: 'Volume/default/data' },
      /"destroy" is not an order: write one of suspend, resume, confirmRemoval, cancelEnd, recreate/,
    ],
    [
      'a key of another kind',
      { type: 'recreate', key: 'Snapshot/default/data', lostExternalID: 'vol-1' },
      /order recreate: "key" is "Snapshot\/default\/data": write Volume\/<namespace>\/<name>/,
    ],
    ['a key without a namespace', { type: 'suspend', key: 'Volume/data' }, /"key" is "Volume\/data": write/],
    [
      'a field that is missing',
      { type: 'detach', key: 'Volume/default/data' },
      /"node" is missing: write the node's ID/,
    ],
    [
      'a field that is empty',
      { type: 'detach', key: 'Volume/default/data', node: '' },
      /"node" is "": write/,
    ],
    [
      'a field that it has not',
      { type: 'suspend', key: 'Volume/default/data', node: 'a' },
      /order suspend has no field "node": leave it out/,
    ],
    ['a name of every object', { type: 'toString', key: 'Volume/default/data' }, /is not an order/],
  ])('refuses %s', (_title, value, expected) => {
    expect(() => parseOrder(value)).toThrow(expected)
  })

  it('knows every order of the union by one name', () => {
    const names = Order.anyOf.map(({ properties }) => properties.type.const)
    expect(new Set(names).size).toBe(names.length)
  })
})

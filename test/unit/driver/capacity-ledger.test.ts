import { status } from '@grpc/grpc-js'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createCapacityLedger, type Holder } from '../../../src/driver/capacity-ledger.ts'

const coded = (code: status) => expect.objectContaining({ code })

test('what is reserved is gone from what is left, until it is undone or taken out', () => {
  const ledger = createCapacityLedger(() => 10)
  const undo = ledger.reserve([{ holder: 'volume:a', bytes: 4 }])
  expect(ledger.availableBytes()).toBe(6)
  undo()
  expect(ledger.availableBytes()).toBe(10)
  ledger.reserve([{ holder: 'volume:a', bytes: 4 }])
  ledger.reserve([{ holder: 'volume:a', bytes: 7 }])
  expect(ledger.bytesOf('volume:a')).toBe(7)
  ledger.record({ holder: 'volume:a', bytes: 0 })
  expect(ledger.availableBytes()).toBe(10)
})

test('several claims are reserved all or none', () => {
  const ledger = createCapacityLedger(() => 10)
  const claims = (bytes: number) => [
    { holder: 'snapshot:a', bytes } as const,
    { holder: 'snapshot:b', bytes } as const,
  ]
  ledger.reserve([{ holder: 'volume:c', bytes: 3 }])
  expect(() => ledger.reserve(claims(4))).toThrow(coded(status.RESOURCE_EXHAUSTED))
  expect(() => ledger.reserve(claims(6))).toThrow(coded(status.OUT_OF_RANGE))
  expect(ledger.availableBytes()).toBe(7)
  ledger.reserve(claims(3))
  expect(ledger.availableBytes()).toBe(1)
})

test('in a pool that was made smaller than what is in it, what needs nothing more is not refused', () => {
  const ledger = createCapacityLedger(() => 10)
  ledger.record({ holder: 'volume:a', bytes: 30 })
  expect(ledger.availableBytes()).toBe(0)
  ledger.reserve([{ holder: 'volume:a', bytes: 30 }])
  expect(() => ledger.reserve([{ holder: 'volume:b', bytes: 1 }])).toThrow(coded(status.RESOURCE_EXHAUSTED))
})

test('no order of reservations, undone or not, gives away more than there is or forgets what was given back', () => {
  const step = fc.record({
    holder: fc.constantFrom<Holder>('volume:a', 'volume:b', 'snapshot:a'),
    bytes: fc.nat(12),
    isUndone: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const ledger = createCapacityLedger(() => 20)
      const expected = new Map<string, number>()
      for (const { holder, bytes, isUndone } of steps) {
        try {
          const undo = ledger.reserve([{ holder, bytes }])
          if (isUndone) undo()
          else expected.set(holder, bytes)
        } catch {
          // Refused: the sum below shows that nothing was changed.
        }
        const sum = [...expected.values()].reduce((total, value) => total + value, 0)
        expect(ledger.availableBytes()).toBe(20 - sum)
      }
    }),
  )
})

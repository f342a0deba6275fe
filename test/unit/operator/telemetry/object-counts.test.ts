import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createMemoryInventory, emptyContents } from '../../../../src/operator/inventory/memory-inventory.ts'
import { declaredPart, managedPart } from '../../../../src/operator/plan/record.ts'
import { conditionsOf, type Verdict } from '../../../../src/operator/plan/status.ts'
import { countObjects } from '../../../../src/operator/telemetry/object-counts.ts'
import { volume } from '../../../builders/declarations.ts'
import { volumeRecord } from '../../../builders/records.ts'

const verdict = fc.constantFrom<Verdict>(
  { state: 'ready', reason: 'AsDeclared', message: '' },
  { state: 'stalled', reason: 'Vanished', message: '' },
  { state: 'suspended', reason: 'Suspended', message: '' },
)
const change = fc.record({ name: fc.constantFrom('a', 'b', 'c'), verdict: fc.option(verdict) })

it('counts through changes what a look at all objects counts', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(change), async (changes) => {
      const inventory = createMemoryInventory(emptyContents, (text) => text)
      const counts = countObjects(inventory)
      for (const { name, verdict } of changes) {
        const conditions = verdict === null ? [] : conditionsOf(verdict, [], 0)
        const record = volumeRecord(volume(name), { status: { conditions } })
        if (verdict === null) await inventory.delete(record.key)
        else {
          await inventory.declare(declaredPart(record))
          await inventory.put(managedPart(record))
        }
      }
      const sorted = (found: ReturnType<typeof counts>) =>
        [...found].map((each) => JSON.stringify(each)).sort()
      expect(sorted(counts())).toEqual(sorted(countObjects(inventory)()))
      const total = [...counts()].reduce((sum, { count }) => sum + count, 0)
      expect(total).toBe(inventory.size())
    }),
  )
})

import Type from 'typebox'
import { UsageError } from '../../lib/errors.ts'
import type { Fault } from './fault.ts'
import { rules } from './kubernetes.ts'
import { parseQuantity } from './quantities.ts'
import { capacityRules, lessThanMin, zeroCapacity } from './volume-rules.ts'

const Quantity = (description: string) =>
  Type.Unsafe<string | number>({
    type: ['string', 'number'],
    'x-kubernetes-int-or-string': true,
    description,
  })

/** How large a volume has to be, as a person writes it. */
export const Capacity = Type.Object(
  {
    min: Type.Optional(
      Quantity(
        'The volume has at least this capacity, such as 10Gi or a number of bytes. Raise it to expand the volume.',
      ),
    ),
    max: Type.Optional(Quantity('The volume has at most this capacity, such as 20Gi or a number of bytes.')),
  },
  {
    additionalProperties: false,
    description: 'Capacity as Kubernetes quantities. A volume is expanded, never shrunk.',
    ...rules(...capacityRules),
  },
)

/** Reads a capacity in bytes. Both bounds may be absent. */
export function readCapacity(written: Type.Static<typeof Capacity>): {
  readonly capacity: { min?: bigint; max?: bigint }
  readonly faults: readonly Fault[]
} {
  const capacity: { min?: bigint; max?: bigint } = {}
  const faults: Fault[] = []
  for (const bound of ['min', 'max'] as const) {
    const quantity = written[bound]
    if (quantity === undefined) continue
    const path = ['spec', 'capacity', bound]
    try {
      capacity[bound] = parseQuantity(quantity)
      if (capacity[bound] === 0n) faults.push({ path, message: zeroCapacity })
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      faults.push({ path, message: error.message })
    }
  }
  if (capacity.min !== undefined && capacity.max !== undefined && capacity.min > capacity.max) {
    faults.push({ path: ['spec', 'capacity', 'max'], message: lessThanMin })
  }
  return { capacity, faults }
}

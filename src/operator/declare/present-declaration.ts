import type { Declaration, VolumeDeclaration } from './declaration.ts'
import { apiVersion } from './document.ts'
import { formatQuantity } from './quantities.ts'

/** A declaration in the form of a document: capacities as quantities, absent fields left out. */
export interface PresentedDeclaration {
  readonly apiVersion: string
  readonly kind: Declaration['kind']
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> }
  readonly spec: Readonly<Record<string, unknown>>
}

/** The inverse of reading a document. It has the defaults, too. */
export function presentDeclaration(declaration: Declaration): PresentedDeclaration {
  const { kind, name, labels } = declaration
  return {
    apiVersion,
    kind,
    metadata: { name, ...(Object.keys(labels).length === 0 ? {} : { labels }) },
    spec:
      declaration.kind === 'Volume'
        ? presentVolumeSpec(declaration)
        : withQuantities({ ...declaration.spec }),
  }
}

function presentVolumeSpec({ instance, spec }: VolumeDeclaration): Record<string, unknown> {
  const { capacity, perAlloc, ...others } = spec
  // An instance is one volume, so it shows no perAlloc.
  const rest = { ...others, ...(perAlloc === undefined || instance !== undefined ? {} : { perAlloc }) }
  return withQuantities({ ...rest, ...(capacity === undefined ? {} : { capacity }) })
}

function withQuantities({
  capacity,
  ...rest
}: Record<string, unknown> & {
  readonly capacity?: { readonly min?: bigint; readonly max?: bigint }
}): Record<string, unknown> {
  if (capacity === undefined) return rest
  const { min, max } = capacity
  return {
    ...rest,
    capacity: {
      ...(min === undefined ? {} : { min: formatQuantity(min) }),
      ...(max === undefined ? {} : { max: formatQuantity(max) }),
    },
  }
}

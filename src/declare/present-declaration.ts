import type { Declaration } from './declaration.ts'
import { apiVersion } from './document.ts'
import { formatQuantity } from './quantities.ts'

/** A declaration as its document would say it: capacities as quantities, what is left open left out. */
export interface PresentedDeclaration {
  readonly apiVersion: string
  readonly kind: Declaration['kind']
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> }
  readonly spec: Readonly<Record<string, unknown>>
}

/** The inverse of reading a document, defaults written out. */
export function presentDeclaration(declaration: Declaration): PresentedDeclaration {
  const { kind, name, labels } = declaration
  return {
    apiVersion,
    kind,
    metadata: { name, ...(Object.keys(labels).length === 0 ? {} : { labels }) },
    spec: declaration.kind === 'Volume' ? presentVolumeSpec(declaration.spec) : { ...declaration.spec },
  }
}

function presentVolumeSpec(spec: Extract<Declaration, { kind: 'Volume' }>['spec']): Record<string, unknown> {
  const { capacity, ...rest } = spec
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

import type { ServedKind } from './kinds.ts'

export interface Target {
  readonly kind: ServedKind
  readonly namespace: string | undefined
}

export interface Named extends Target {
  readonly name: string
  /** The only one that there is. */
  readonly subresource: 'status' | undefined
}

/** Of an object in its table. */
export const keyOf = (namespace: string | undefined, name: string): string => `${namespace ?? ''}/${name}`

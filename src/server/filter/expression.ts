/** Operators of go-bexpr, each as its positive form; a negated one stands beneath `not`. */
export type Operator = 'equal' | 'in' | 'matches' | 'empty' | 'nil'

/** Where a value stands: `Parameters.type`, `Parameters["type"]` and `"/Parameters/type"` are `['Parameters', 'type']`. */
export type Selector = readonly string[]

/** A filter of the go-bexpr language, parsed. */
export type Expression =
  | { readonly type: 'and' | 'or'; readonly operands: readonly Expression[] }
  | { readonly type: 'not'; readonly operand: Expression }
  | {
      /** `any SELECTOR as KEY, VALUE { INNER }` */
      readonly type: 'any' | 'all'
      readonly selector: Selector
      readonly names: BoundNames
      readonly inner: Expression
    }
  | {
      readonly type: 'match'
      readonly selector: Selector
      readonly operator: Operator
      /** Absent for `empty` and `nil`. For `in`: what is looked for in the selector's value. */
      readonly value?: string
    }

/**
 * What the inner expression calls an entry: its key or index, its value, or (`default`) the key of a map and the value
 * of a list.
 */
export interface BoundNames {
  readonly default?: string
  readonly key?: string
  readonly value?: string
}

/** What is wrong with a filter, for the person who wrote it. */
export class FilterError extends Error {
  override readonly name = 'FilterError'
}

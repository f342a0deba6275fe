/** Operators of go-bexpr, each as its positive form; a negated one stands beneath `not`. */
export type Operator = 'equal' | 'in' | 'matches' | 'empty'

/** A filter of the go-bexpr language, parsed. */
export type Expression =
  | { readonly type: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
  | { readonly type: 'not'; readonly operand: Expression }
  | {
      readonly type: 'match'
      /** `Parameters.type` is `['Parameters', 'type']`. */
      readonly selector: readonly string[]
      readonly operator: Operator
      /** Absent for `empty`. For `in`: what is looked for in the selector's value. */
      readonly value?: string
    }

/** What is wrong with a filter, for the person who wrote it. */
export class FilterError extends Error {
  override readonly name = 'FilterError'
}

/**
 * Whether a history of concurrent operations could have been made by one thing that does them one at a time, each at some
 * moment between its call and its return (Wing and Gong's search with Lowe's memory, as Porcupine does it).
 */

/** One call, and what came of it. Times are of one clock. */
export interface Operation<Input, Output> {
  readonly input: Input
  /** undefined: nobody knows; it may have been done at any time after its call, or never. */
  readonly output: Output | undefined
  readonly calledAt: number
  /** Infinity: its answer was lost. */
  readonly returnedAt: number
}

/** The thing, one operation at a time. */
export interface Model<State, Input, Output> {
  readonly initial: State
  /** The states that it may be in after the operation with this output; none: the output is wrong. */
  step(state: State, input: Input, output: Output | undefined): readonly State[]
  /** Equal for equal states. */
  describe(state: State): string
}

export interface Violation<Input, Output> {
  /** The longest order that explains the history so far. */
  readonly explained: readonly Operation<Input, Output>[]
  /** None of these can come next. */
  readonly stuckAt: readonly Operation<Input, Output>[]
}

/** @returns undefined: there is an order that explains everything */
export function findViolation<State, Input, Output>(
  { initial, step, describe }: Model<State, Input, Output>,
  history: readonly Operation<Input, Output>[],
): Violation<Input, Output> | undefined {
  const operations = history.toSorted((a, b) => a.calledAt - b.calledAt)
  const done = new Uint8Array(operations.length)
  const order: number[] = []
  const seen = new Set<string>()
  let longest: Violation<Input, Output> = { explained: [], stuckAt: [] }

  /** What was called before anything that is left returned: only these can come next. */
  function candidates(): number[] {
    const found: number[] = []
    let firstReturn = Number.POSITIVE_INFINITY
    for (const [place, operation] of operations.entries()) {
      if (done[place] === 1) continue
      if (operation.calledAt > firstReturn) break
      found.push(place)
      firstReturn = Math.min(firstReturn, operation.returnedAt)
    }
    return found
  }

  function explain(state: State): boolean {
    const key = `${Buffer.from(done).toString('latin1')} ${describe(state)}`
    if (seen.has(key)) return false
    seen.add(key)
    const next = candidates()
    if (next.length === 0) return true
    if (order.length >= longest.explained.length) {
      const at = (place: number) => operations[place] as Operation<Input, Output>
      longest = { explained: order.map(at), stuckAt: next.map(at) }
    }
    for (const place of next) {
      const operation = operations[place]
      if (operation === undefined) continue
      done[place] = 1
      order.push(place)
      if (step(state, operation.input, operation.output).some(explain)) return true
      order.pop()
      done[place] = 0
    }
    return false
  }

  return explain(initial) ? undefined : longest
}

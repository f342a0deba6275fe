import { createLogUpdate } from 'log-update'
import type { Clock } from '../lib/clock.ts'
import type { Operator } from '../operator/control-loop.ts'
import { formatTable, tableOptionsFor } from './table.ts'

/** Redrawing more often shows nothing more to a person. */
const redrawMs = 100

/** Keeps a table of the operator's rows on the terminal; the returned function draws it a last time and ends it. */
export function showLiveTable(
  operator: Operator,
  clock: Clock,
  heading: () => string,
  terminal: NodeJS.WriteStream,
): () => void {
  const draw = createLogUpdate(terminal)
  let cancel: (() => void) | undefined
  const redraw = () => {
    cancel = undefined
    draw(`${heading()}\n\n${formatTable(operator.rows(), tableOptionsFor(terminal))}`)
  }
  operator.onChange(() => {
    cancel ??= clock.after(redrawMs, redraw)
  })
  redraw()
  return () => {
    cancel?.()
    redraw()
    cancel = () => {}
    draw.done()
  }
}

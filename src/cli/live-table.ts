import { createLogUpdate } from 'log-update'
import { type Clock, delay } from '../lib/clock.ts'
import type { Admin, StatusReport } from '../operator/admin/admin.ts'
import { formatTable, tableOptionsFor } from './table.ts'

/** A person sees nothing more where the table is drawn more often. */
const redrawMs = 100

/** Keeps a table of the operator's rows on the terminal. @returns a function that draws it a last time and ends it */
export function showLiveTable(
  { status }: Pick<Admin, 'status'>,
  clock: Clock,
  heading: string,
  terminal: NodeJS.WriteStream,
): () => Promise<void> {
  const draw = createLogUpdate(terminal)
  const ended = new AbortController()
  const show = ({ rows }: StatusReport) =>
    draw(`${heading}\n\n${formatTable(rows, tableOptionsFor(terminal))}`)

  async function follow(): Promise<void> {
    for (let after: number | undefined; !ended.signal.aborted; ) {
      const report = await status(after)
      after = report.version
      show(report)
      await delay(clock, redrawMs, ended.signal)
    }
  }
  const following = follow()

  return async () => {
    ended.abort()
    await following
    show(await status())
    draw.done()
  }
}

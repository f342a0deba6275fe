import { countObjects } from '../../src/operator/telemetry/object-counts.ts'
import type { OperatorView, QueueView, SourceView } from '../../src/operator/telemetry/operator-view.ts'

export function queueView(fields: Partial<QueueView> = {}): QueueView {
  return {
    ...{ depth: 0, running: 0, delayed: 0, failing: 0, adds: 0, retries: 0, longestRunningMs: 0, overdue: 0 },
    ...fields,
  }
}

/** What an operator shows that has nothing to do, with what matters in this test. */
export function operatorView(fields: {
  readonly queue?: QueueView
  readonly sources?: readonly SourceView[]
  readonly records?: ReturnType<OperatorView['records']>
  readonly declarations?: ReturnType<OperatorView['declarations']>
}): OperatorView {
  return {
    queue: () => fields.queue ?? queueView(),
    sources: () => fields.sources ?? [],
    records: () => fields.records ?? [],
    objectCounts: countObjects({ list: () => fields.records ?? [], onChange: () => () => {} }),
    declarations: () => fields.declarations ?? new Map(),
  }
}

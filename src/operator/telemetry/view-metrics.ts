import { Counter, Gauge, type Registry } from 'prom-client'
import { lastSnapshots } from '../plan/last-snapshots.ts'
import type { OperatorView } from './operator-view.ts'

/** The operators, each with the label of its cluster. */
type Shown = () => readonly { readonly view: OperatorView; readonly labels: { readonly cluster?: string } }[]

/** Metrics that are read from the operators at each scrape. */
export function addViewMetrics(registry: Registry, shown: Shown): void {
  const registers = [registry]
  const labelNames = ['cluster']

  const gauges = {
    depth: ['workqueue_depth', 'Keys that wait for a slot.'],
    running: ['workqueue_running', 'Keys in process.'],
    delayed: ['workqueue_delayed', 'Keys whose time has not come, those in backoff included.'],
    failing: ['workqueue_failing', 'Keys whose last pass failed.'],
  } as const
  for (const field of ['depth', 'running', 'delayed', 'failing'] as const) {
    const [name, help] = gauges[field]
    new Gauge({
      name: `mooring_${name}`,
      help,
      labelNames,
      registers,
      collect() {
        this.reset()
        for (const { view, labels } of shown()) this.set(labels, view.queue()[field])
      },
    })
  }
  new Gauge({
    name: 'mooring_workqueue_longest_running_processor_seconds',
    help: 'Of the passes in process, how long the longest has taken.',
    labelNames,
    registers,
    collect() {
      this.reset()
      for (const { view, labels } of shown()) this.set(labels, view.queue().longestRunningMs / 1000)
    },
  })
  const counters = {
    adds: ['workqueue_adds_total', 'Keys that came to wait for a slot.'],
    retries: ['workqueue_retries_total', 'Passes that failed, each of which leads to a retry.'],
  } as const
  for (const field of ['adds', 'retries'] as const) {
    const [name, help] = counters[field]
    new Counter({
      name: `mooring_${name}`,
      help,
      labelNames,
      registers,
      collect() {
        this.reset()
        for (const { view, labels } of shown()) this.inc(labels, view.queue()[field])
      },
    })
  }

  new Gauge({
    name: 'mooring_objects',
    help: 'Managed objects by kind, and by the condition that is true of them, and its reason; Suspended where none is.',
    labelNames: ['kind', 'condition', 'reason', 'cluster'],
    registers,
    collect() {
      this.reset()
      for (const { view, labels } of shown()) {
        for (const { count, ...group } of view.objectCounts()) this.set({ ...group, ...labels }, count)
      }
    },
  })

  addSourceMetrics(registry, shown)
  addScheduleMetrics(registry, shown)
}

function addSourceMetrics(registry: Registry, shown: Shown): void {
  const registers = [registry]
  const labelNames = ['source', 'cluster']
  const sources = () =>
    shown().flatMap(({ view, labels }) => view.sources().map((source) => ({ ...source, labels })))
  new Gauge({
    name: 'mooring_source_last_complete_reading_timestamp_seconds',
    help: 'When the source was as its latest complete reading says; absent until there is one.',
    labelNames,
    registers,
    collect() {
      this.reset()
      for (const { name, lastCompleteMs, labels } of sources()) {
        if (lastCompleteMs !== undefined) this.set({ source: name, ...labels }, lastCompleteMs / 1000)
      }
    },
  })
  const gauges = {
    isComplete: ['source_complete', 'Whether the latest reading of the source was complete.'],
    declarations: ['source_declarations', 'Declarations in the source.'],
    problems: ['source_problems', 'What in the source could not be used.'],
  } as const
  for (const field of ['isComplete', 'declarations', 'problems'] as const) {
    const [name, help] = gauges[field]
    new Gauge({
      name: `mooring_${name}`,
      help,
      labelNames,
      registers,
      collect() {
        this.reset()
        for (const { name: source, last, labels } of sources()) {
          if (last !== undefined) this.set({ source, ...labels }, Number(last[field]))
        }
      },
    })
  }
}

function addScheduleMetrics(registry: Registry, shown: Shown): void {
  const registers = [registry]
  const labelNames = ['namespace', 'schedule', 'cluster']
  const last = () =>
    shown().flatMap(({ view, labels }) => {
      const declarations = [...view.declarations().values()]
      if (!declarations.some(({ kind }) => kind === 'SnapshotSchedule')) return []
      return lastSnapshots(declarations, view.records()).map((each) => ({ ...each, labels }))
    })
  new Gauge({
    name: 'mooring_schedule_last_ready_snapshot_timestamp_seconds',
    help: 'The time of the schedule that the latest ready snapshot is for: of the volume for which it is the oldest.',
    labelNames,
    registers,
    collect() {
      this.reset()
      for (const { namespace, schedule, oldestMs, labels } of last()) {
        if (oldestMs !== undefined) this.set({ namespace, schedule, ...labels }, oldestMs / 1000)
      }
    },
  })
  new Gauge({
    name: 'mooring_schedule_volumes_without_snapshot',
    help: 'Volumes of the schedule that have no ready snapshot by it.',
    labelNames,
    registers,
    collect() {
      this.reset()
      for (const { namespace, schedule, volumesWithout, labels } of last()) {
        this.set({ namespace, schedule, ...labels }, volumesWithout)
      }
    },
  })
}

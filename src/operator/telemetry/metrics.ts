import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Around } from '../../lib/around.ts'
import type { Clock } from '../../lib/clock.ts'
import { callBuckets, type PluginCallMetrics } from '../../telemetry/plugin-calls.ts'
import { createProcessRegistry } from '../../telemetry/process-registry.ts'
import type { Orphans } from '../plan/orphans.ts'
import { kindOf, nameOf } from './key-parts.ts'
import type { OperatorView } from './operator-view.ts'
import { addViewMetrics } from './view-metrics.ts'

/** In seconds. A pass without a call takes milliseconds; one that creates takes as long as its call. */
const passBuckets = [0.001, 0.005, 0.025, ...callBuckets]

export interface Metrics {
  /** @param cluster the name of a NomadCluster; undefined for the process's own settings, which have no label */
  of(cluster: string | undefined): OperatorMetrics
  notified(outcome: 'delivered' | 'failed' | 'dropped'): void
  /** The metrics in the text format of Prometheus. */
  render(): Promise<string>
  readonly contentType: string
}

/** The metrics of one operator and its Nomad cluster. */
export interface OperatorMetrics {
  readonly aroundPass: Around<{ readonly key: string; readonly queuedMs: number }, { readonly type: string }>
  readonly aroundStep: Around<{ readonly key: string; readonly step: string }>
  readonly aroundCall: Around<{ readonly operation: string }, { readonly status: number }>
  orphansFound(orphans: Orphans): void
  /** Shows this operator from now on. */
  observe(view: OperatorView): void
  /** When Nomad last answered, in milliseconds since the epoch; undefined before its first answer. */
  lastAnswerMs(): number | undefined
  /** Removes its metrics, so that clusters that come and go leave nothing behind. */
  forget(): Promise<void>
}

/** The label of a cluster; the cluster of the process's own settings has none. */
export type ClusterLabel = { readonly cluster?: string }

/**
 * All metrics of the operator, in a registry of its own. The number of label values is limited: operations, steps, kinds,
 * reasons and codes come from the program, and sources, schedules and clusters are few. No volume is a label.
 */
export function createMetrics({
  clock,
  version,
  pluginCalls,
}: {
  readonly clock: Clock
  readonly version: string
  readonly pluginCalls: PluginCallMetrics
}): Metrics {
  const registry = createProcessRegistry(version)
  const registers = [registry]
  const views = new Map<string | undefined, OperatorView>()
  const shown = () => [...views].map(([cluster, view]) => ({ view, labels: labelsOf(cluster) }))
  pluginCalls.register(registry)

  const passes = new Histogram({
    name: 'mooring_reconcile_duration_seconds',
    help: 'Passes by kind and by what they ended in: done, again or failed.',
    labelNames: ['kind', 'result', 'cluster'],
    buckets: passBuckets,
    registers,
  })
  const queued = new Histogram({
    name: 'mooring_workqueue_queue_duration_seconds',
    help: 'How long keys waited for a slot.',
    labelNames: ['cluster'],
    buckets: passBuckets,
    registers,
  })
  const steps = new Counter({
    name: 'mooring_steps_total',
    help: 'Steps taken, by outcome: done or failed.',
    labelNames: ['step', 'outcome', 'cluster'],
    registers,
  })
  const missed = new Counter({
    name: 'mooring_schedule_missed_runs_total',
    help: 'Runs of a schedule that were missed, one for each volume.',
    labelNames: ['namespace', 'schedule', 'cluster'],
    registers,
    collect() {
      // It starts at 0, so that the first one shows as an increase.
      for (const { view, labels } of shown()) {
        for (const { kind, name, spec } of view.declarations().values()) {
          if (kind !== 'SnapshotSchedule') continue
          this.inc({ namespace: spec.namespace, schedule: name, ...labels }, 0)
        }
      }
    },
  })
  const calls = new Histogram({
    name: 'mooring_nomad_call_duration_seconds',
    help: "Requests to Nomad's API by operation and status code; code is none where no answer came. A watch waits for a change.",
    labelNames: ['operation', 'code', 'cluster'],
    buckets: callBuckets,
    registers,
  })
  new Gauge({
    name: 'mooring_clock_timestamp_seconds',
    help: "The date by this machine's clock. Compare it with Prometheus's own.",
    registers,
    collect() {
      this.set(clock.now() / 1000)
    },
  })
  const lastAnswer = new Gauge({
    name: 'mooring_nomad_last_answer_timestamp_seconds',
    help: 'When Nomad last answered with a status below 500; 0: never.',
    labelNames: ['cluster'],
    registers,
  })
  const orphans = new Gauge({
    name: 'mooring_orphans',
    help: 'What nothing declares: in storage and not in Nomad, in Nomad, or managed still.',
    labelNames: ['where', 'cluster'],
    registers,
  })
  const unknown = new Gauge({
    name: 'mooring_orphans_unknown',
    help: 'What could not be looked into when orphans were searched for: their number may be too low.',
    labelNames: ['cluster'],
    registers,
  })
  const searched = new Gauge({
    name: 'mooring_orphans_last_search_timestamp_seconds',
    help: 'When orphans were last searched for; 0: never.',
    labelNames: ['cluster'],
    registers,
  })
  const notifications = new Counter({
    name: 'mooring_notifications_total',
    help: 'Notifications by outcome: delivered, failed for good, or dropped because too many waited.',
    labelNames: ['outcome'],
    registers,
  })
  for (const outcome of ['delivered', 'failed', 'dropped']) notifications.inc({ outcome }, 0)

  addViewMetrics(registry, shown)

  const secondsSince = (startMs: number) => (clock.monotonicMs() - startMs) / 1000

  function of(cluster: string | undefined): OperatorMetrics {
    const own = labelsOf(cluster)
    let lastAnswerMs: number | undefined
    queued.zero(own)
    for (const gauge of [lastAnswer, unknown, searched]) gauge.set(own, 0)
    return {
      async aroundPass({ key, queuedMs }, run) {
        queued.observe(own, queuedMs / 1000)
        const startMs = clock.monotonicMs()
        let result = 'failed'
        try {
          const outcome = await run()
          result = outcome.type
          return outcome
        } finally {
          passes.observe({ kind: kindOf(key), result, ...own }, secondsSince(startMs))
        }
      },
      async aroundStep({ key, step }, run) {
        let outcome = 'failed'
        try {
          const result = await run()
          outcome = 'done'
          if (step === 'miss-run') missed.inc({ ...nameOf(key, 'schedule'), ...own })
          return result
        } finally {
          steps.inc({ step, outcome, ...own })
        }
      },
      async aroundCall({ operation }, run) {
        const startMs = clock.monotonicMs()
        let code = 'none'
        try {
          const answer = await run()
          code = String(answer.status)
          if (answer.status < 500) {
            lastAnswerMs = clock.now()
            lastAnswer.set(own, lastAnswerMs / 1000)
          }
          return answer
        } finally {
          calls.observe({ operation, code, ...own }, secondsSince(startMs))
        }
      },
      orphansFound(found) {
        orphans.set({ where: 'storage', ...own }, found.inStorage.length)
        orphans.set({ where: 'nomad', ...own }, found.inNomad.length)
        orphans.set({ where: 'undeclared', ...own }, found.undeclared.length)
        unknown.set(own, found.unknown.length)
        searched.set(own, clock.now() / 1000)
      },
      observe(view) {
        views.set(cluster, view)
      },
      lastAnswerMs: () => lastAnswerMs,
      async forget() {
        views.delete(cluster)
        if (cluster !== undefined) await removeSeries(registry, cluster)
      },
    }
  }

  return {
    of,
    notified: (outcome) => notifications.inc({ outcome }),
    render: () => registry.metrics(),
    contentType: registry.contentType,
  }
}

/** Removes all metrics with the label of this cluster. */
async function removeSeries(registry: Registry, cluster: string): Promise<void> {
  for (const { name, values } of await registry.getMetricsAsJSON()) {
    const metric = registry.getSingleMetric(name)
    for (const { labels } of values) {
      if (labels.cluster !== cluster) continue
      // A histogram is removed by its own labels, without the labels of its buckets.
      const { le: _, ...own } = labels
      metric?.remove(own)
    }
  }
}

function labelsOf(cluster: string | undefined): ClusterLabel {
  return cluster === undefined ? {} : { cluster }
}

import { Counter, Gauge, Histogram } from 'prom-client'
import type { Around } from '../lib/around.ts'
import type { Clock } from '../lib/clock.ts'
import type { Orphans } from '../plan/orphans.ts'
import { kindOf, nameOf } from './key-parts.ts'
import type { OperatorView } from './operator-view.ts'
import { callBuckets, type PluginCallMetrics } from './plugin-calls.ts'
import { createProcessRegistry } from './process-registry.ts'
import { addViewMetrics } from './view-metrics.ts'

/** Seconds. A pass that makes no call takes milliseconds; one that creates, as long as its call. */
const passBuckets = [0.001, 0.005, 0.025, ...callBuckets]

export interface Metrics {
  readonly aroundPass: Around<{ readonly key: string; readonly queuedMs: number }, { readonly type: string }>
  readonly aroundStep: Around<{ readonly key: string; readonly step: string }>
  readonly aroundCall: Around<{ readonly operation: string }, { readonly status: number }>
  orphansFound(orphans: Orphans): void
  notified(outcome: 'delivered' | 'failed' | 'dropped'): void
  /** Shows this one from here on. */
  observe(view: OperatorView): void
  /** When Nomad answered last, in milliseconds since the epoch; undefined: it has not yet. */
  lastAnswerMs(): number | undefined
  /** In Prometheus' text format. */
  render(): Promise<string>
  readonly contentType: string
}

/**
 * All that the operator measures, in a registry of its own. Labels are bounded: operations, steps, kinds, reasons
 * and codes are the program's own words, sources and schedules are few. No volume is a label.
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
  let view: OperatorView | undefined
  pluginCalls.register(registry)

  const passes = new Histogram({
    name: 'mooring_reconcile_duration_seconds',
    help: 'Passes by kind and by what they ended in: done, again or failed.',
    labelNames: ['kind', 'result'],
    buckets: passBuckets,
    registers,
  })
  const queued = new Histogram({
    name: 'mooring_workqueue_queue_duration_seconds',
    help: 'How long keys waited for a slot.',
    buckets: passBuckets,
    registers,
  })
  const steps = new Counter({
    name: 'mooring_steps_total',
    help: 'Steps taken, by outcome: done or failed.',
    labelNames: ['step', 'outcome'],
    registers,
  })
  const missed = new Counter({
    name: 'mooring_schedule_missed_runs_total',
    help: 'Runs of a schedule that were missed, one for each volume.',
    labelNames: ['namespace', 'schedule'],
    registers,
    collect() {
      // From 0 on, so that an increase to 1 is one.
      for (const { kind, name, spec } of view?.declarations().values() ?? []) {
        if (kind === 'SnapshotSchedule') this.inc({ namespace: spec.namespace, schedule: name }, 0)
      }
    },
  })
  const calls = new Histogram({
    name: 'mooring_nomad_call_duration_seconds',
    help: "Requests to Nomad's API by operation and status code; code is none where no answer came. A watch waits for a change.",
    labelNames: ['operation', 'code'],
    buckets: callBuckets,
    registers,
  })
  const lastAnswer = new Gauge({
    name: 'mooring_nomad_last_answer_timestamp_seconds',
    help: 'When Nomad last answered with a status below 500; 0: never.',
    registers,
  })
  let lastAnswerMs: number | undefined
  const orphans = new Gauge({
    name: 'mooring_orphans',
    help: 'What nothing declares: in storage and not in Nomad, in Nomad, or managed still.',
    labelNames: ['where'],
    registers,
  })
  const unknown = new Gauge({
    name: 'mooring_orphans_unknown',
    help: 'What could not be looked into when orphans were searched for: their number may be too low.',
    registers,
  })
  const searched = new Gauge({
    name: 'mooring_orphans_last_search_timestamp_seconds',
    help: 'When orphans were last searched for; 0: never.',
    registers,
  })
  const notifications = new Counter({
    name: 'mooring_notifications_total',
    help: 'Notifications by outcome: delivered, failed for good, or dropped because too many waited.',
    labelNames: ['outcome'],
    registers,
  })
  for (const outcome of ['delivered', 'failed', 'dropped']) notifications.inc({ outcome }, 0)

  const secondsSince = (startMs: number) => (clock.now() - startMs) / 1000

  return {
    async aroundPass({ key, queuedMs }, run) {
      queued.observe(queuedMs / 1000)
      const startMs = clock.now()
      let result = 'failed'
      try {
        const outcome = await run()
        result = outcome.type
        return outcome
      } finally {
        passes.observe({ kind: kindOf(key), result }, secondsSince(startMs))
      }
    },
    async aroundStep({ key, step }, run) {
      let outcome = 'failed'
      try {
        const result = await run()
        outcome = 'done'
        if (step === 'miss-run') missed.inc(nameOf(key, 'schedule'))
        return result
      } finally {
        steps.inc({ step, outcome })
      }
    },
    async aroundCall({ operation }, run) {
      const startMs = clock.now()
      let code = 'none'
      try {
        const answer = await run()
        code = String(answer.status)
        if (answer.status < 500) {
          lastAnswerMs = clock.now()
          lastAnswer.set(lastAnswerMs / 1000)
        }
        return answer
      } finally {
        calls.observe({ operation, code }, secondsSince(startMs))
      }
    },
    orphansFound(found) {
      orphans.set({ where: 'storage' }, found.inStorage.length)
      orphans.set({ where: 'nomad' }, found.inNomad.length)
      orphans.set({ where: 'undeclared' }, found.undeclared.length)
      unknown.set(found.unknown.length)
      searched.set(clock.now() / 1000)
    },
    notified: (outcome) => notifications.inc({ outcome }),
    observe(observed) {
      const isFirst = view === undefined
      view = observed
      if (!isFirst) return
      const current = () => view ?? observed
      addViewMetrics(registry, {
        queue: () => current().queue(),
        sources: () => current().sources(),
        records: () => current().records(),
        declarations: () => current().declarations(),
      })
    },
    lastAnswerMs: () => lastAnswerMs,
    render: () => registry.metrics(),
    contentType: registry.contentType,
  }
}

import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import process from 'node:process'
import type { PluginCall } from '../csi/plugin-client.ts'
import { type Around, nest } from '../lib/around.ts'
import { type Clock, delay } from '../lib/clock.ts'
import { errorMessage, UsageError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { packageVersion } from '../lib/version.ts'
import type { NomadClientOptions } from '../nomad/client.ts'
import { createPluginCallMetrics, type PluginCallMetrics } from '../telemetry/plugin-calls.ts'
import { startOperationsServer } from '../telemetry/telemetry-server.ts'
import type { Operator, OperatorOptions } from './control-loop.ts'
import type { Orphans } from './plan/orphans.ts'
import type { Inventory } from './plan/ports.ts'
import type { OperationsFlags } from './settings.ts'
import { type Phase, planLiveness, planReadiness } from './telemetry/health.ts'
import { createMetrics, type OperatorMetrics } from './telemetry/metrics.ts'
import { createNotifier } from './telemetry/notifier.ts'
import type { OperatorView } from './telemetry/operator-view.ts'
import { startTracing } from './telemetry/start-tracing.ts'
import { watchNotable } from './telemetry/watch-notable.ts'

/** Slow, as it lists the storage of every plugin. */
const orphansBeatMs = 10 * 60_000
const firstSearchMs = 60_000

/** What goes around the operator's work. */
export interface Hooks
  extends Required<Pick<OperatorOptions, 'aroundPass' | 'aroundStep' | 'onStatus'>>,
    Required<Pick<NomadClientOptions, 'aroundCall'>> {
  readonly aroundPluginCall: Around<PluginCall>
}

export interface Operations {
  /**
   * Begins the work of an operator over this inventory.
   * @param cluster of a NomadCluster; undefined: that of the process's own settings
   */
  begin(inventory: Pick<Inventory, 'get' | 'list'>, cluster?: string): OperationsTerm
  close(): Promise<void>
}

/** One operator's work: the life of the process, or what a replica does while it leads. */
export interface OperationsTerm {
  readonly hooks: Hooks
  /** The operator runs: shows it, and looks for orphans from time to time. */
  observe(operator: Operator, findOrphans: () => Promise<Orphans>): void
  /** Nothing is done for this cluster from here on: the process stands by, or its NomadCluster is gone. */
  end(): void
}

/**
 * Metrics, health, traces and notifications, as far as flags and environment ask for them.
 * @throws UsageError for flags that go not together, and an address at which nothing can listen
 */
export async function startOperations(
  flags: OperationsFlags,
  options: {
    readonly clock: Clock
    readonly log: Log
    /** One of several, which stands by until it leads. */
    readonly isReplica: boolean
    /** Of all calls of plugins in this process, where somebody beside the operator makes some. */
    readonly pluginCalls?: PluginCallMetrics
  },
): Promise<Operations> {
  const { clock, log, isReplica, pluginCalls = createPluginCallMetrics(clock) } = options
  const version = packageVersion()
  const notify = readNotifyFlags(flags)
  const metrics = flags.metricsAddr && createMetrics({ clock, version, pluginCalls })
  const own = metrics?.of(undefined)
  const tracing = await startTracing({ environment: process.env, version, log })
  const notifier =
    notify &&
    createNotifier({
      ...notify,
      version,
      clock,
      random: Math.random,
      newID: randomUUID,
      log,
      onOutcome: metrics?.notified ?? (() => {}),
    })

  const views = new Map<string | undefined, OperatorView>()
  const phaseOf = (view: OperatorView | undefined): Phase =>
    view === undefined
      ? { type: isReplica ? 'standby' : 'starting' }
      : { type: 'running', view, hasNomadAnswered: own?.lastAnswerMs() !== undefined }
  const server =
    flags.metricsAddr &&
    metrics &&
    (await startOperationsServer({
      ...flags.metricsAddr,
      metrics,
      liveness: () => [...views.values()].flatMap((view) => planLiveness(phaseOf(view))),
      // A further cluster that is away keeps the process from nothing else.
      readiness: () => planReadiness(phaseOf(views.get(undefined))),
    }))
  if (server) log.info({ url: `${server.url}/metrics` }, 'metrics listen')

  return {
    begin(inventory, cluster) {
      const measured = cluster === undefined ? own : metrics?.of(cluster)
      const notable =
        notifier &&
        watchNotable({
          records: inventory.list,
          record: inventory.get,
          tell: notifier.tell,
          ...(cluster === undefined ? {} : { cluster }),
        })
      const ended = new AbortController()
      return {
        hooks: {
          aroundPass: nest(measured?.aroundPass, tracing?.aroundPass),
          aroundStep: nest(measured?.aroundStep, tracing?.aroundStep, notable?.aroundStep),
          aroundCall: nest(measured?.aroundCall, tracing?.aroundCall),
          aroundPluginCall: nest(pluginCalls.aroundCall, tracing?.aroundPluginCall),
          onStatus: notable?.onStatus ?? (() => {}),
        },
        observe(operator, findOrphans) {
          const running = viewOf(operator, inventory)
          views.set(cluster, running)
          if (measured === undefined) return
          measured.observe(running)
          void searchForOrphans({
            findOrphans,
            view: running,
            metrics: measured,
            clock,
            log,
            signal: ended.signal,
          })
        },
        end() {
          ended.abort()
          views.delete(cluster)
          if (cluster === undefined) own?.observe(nothingToSee)
          else measured?.forget()
        },
      }
    },
    async close() {
      await server?.close()
      await notifier?.close()
      await tracing?.close()
    },
  }
}

/** Of a replica that stands by. */
const nothingToSee: OperatorView = {
  queue: () => ({
    depth: 0,
    running: 0,
    delayed: 0,
    failing: 0,
    adds: 0,
    retries: 0,
    longestRunningMs: 0,
    overdue: 0,
  }),
  sources: () => [],
  records: () => [],
  declarations: () => new Map(),
}

/** Begins after everything was looked at once, for until then nothing is known to be declared. Never rejects. */
async function searchForOrphans(options: {
  readonly findOrphans: () => Promise<Orphans>
  readonly view: Pick<OperatorView, 'sources'>
  readonly metrics: OperatorMetrics
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
}): Promise<void> {
  const { findOrphans, view, metrics, clock, log, signal } = options
  await delay(clock, firstSearchMs, signal)
  while (!signal.aborted) {
    try {
      if (view.sources().every(({ last }) => last !== undefined)) metrics.orphansFound(await findOrphans())
    } catch (error) {
      if (!signal.aborted) log.warn({ why: errorMessage(error) }, 'orphans could not be searched for')
    }
    await delay(clock, orphansBeatMs, signal)
  }
}

function viewOf(operator: Operator, inventory: Pick<Inventory, 'list'>): OperatorView {
  return {
    queue: operator.queue,
    records: inventory.list,
    declarations: operator.desired.declarations,
    sources: () =>
      operator.sources().map(({ name, content, lastCompleteMs }) => ({
        name,
        ...(content === undefined
          ? {}
          : {
              last: {
                declarations: content.declarations.length,
                problems: content.problems.length,
                isComplete: content.complete,
              },
            }),
        ...(lastCompleteMs === undefined ? {} : { lastCompleteMs }),
      })),
  }
}

function readNotifyFlags({
  notifyUrl: url,
  notifySecretFile: file,
}: OperationsFlags): { url: string; secret?: string } | undefined {
  if (url === undefined) {
    if (file === undefined) return undefined
    throw new UsageError('--notify-secret-file signs what is sent to --notify-url: give that too')
  }
  // Not repeated: it may hold a secret.
  if (!URL.canParse(url) || !/^https?:/.test(url)) {
    throw new UsageError('--notify-url is no URL such as https://host/path')
  }
  if (file === undefined) return { url }
  let secret: string
  try {
    secret = readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new UsageError(`--notify-secret-file: ${errorMessage(error)}`, { cause: error })
  }
  if (secret === '') throw new UsageError(`${file} is empty: write the secret into it`)
  return { url, secret }
}

import { randomUUID } from 'node:crypto'
import process from 'node:process'
import { type Around, nest } from '../../lib/around.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import { openTogether } from '../../lib/open-together.ts'
import { packageVersion } from '../../lib/version.ts'
import { createPluginCallMetrics, type PluginCallMetrics } from '../../telemetry/plugin-calls.ts'
import { startTelemetryServer } from '../../telemetry/telemetry-server.ts'
import type { Key } from '../plan/identity.ts'
import type { Orphans } from '../plan/orphans.ts'
import type { Inventory } from '../plan/ports.ts'
import { type Phase, planLiveness, planReadiness } from './health.ts'
import { createMetrics } from './metrics.ts'
import { createNotifier } from './notifier.ts'
import { nothingToSee, type OperatorView } from './operator-view.ts'
import { searchForOrphans } from './search-for-orphans.ts'
import { startTracing } from './start-tracing.ts'
import type { Tracing } from './tracing.ts'
import { watchNotable } from './watch-notable.ts'

export interface TelemetrySettings {
  /** The address for metrics and health; undefined: they are not served. */
  readonly metricsAddress?: { readonly host: string; readonly port: number }
  /** The receiver of notifications, and the key of their signature; undefined: none are sent. */
  readonly notify?: { readonly url: string; readonly secret?: string }
}

/** The wrappers that measure the work of an operator. */
export interface Hooks extends Pick<Tracing, 'aroundPass' | 'aroundCall' | 'aroundPluginCall'> {
  readonly aroundStep: Around<{ readonly key: Key; readonly step: string; readonly why: string }>
  readonly onStatus: (key: Key) => void
}

/** Metrics, health, traces and notifications of this process. */
export interface Telemetry {
  /**
   * Measures one operator.
   * @param cluster the name of a NomadCluster; undefined for the cluster of the process's own settings
   */
  of(inventory: Pick<Inventory, 'get' | 'list'>, cluster?: string): OperatorTelemetry
  close(): Promise<void>
}

export interface OperatorTelemetry {
  readonly hooks: Hooks
  /** Shows the operator from now on, and searches for orphans from time to time. */
  show(
    view: OperatorView,
    findOrphans: () => Promise<Orphans>,
  ): {
    /** The operator has ended: this replica stands by, or the NomadCluster is gone. */
    close(): Promise<void>
  }
}

/**
 * Starts what the settings and the environment request.
 * @param isReplica the process stands by until it is the leader
 * @param pluginCalls counts the calls of plugins, where also something other than the operator makes them in this process
 * @throws UsageError where it cannot listen at the address of the metrics
 */
export function startTelemetry(options: {
  readonly settings: TelemetrySettings
  readonly clock: Clock
  readonly log: Log
  readonly isReplica: boolean
  readonly pluginCalls?: PluginCallMetrics
}): Promise<Telemetry> {
  const { clock, log, isReplica, pluginCalls = createPluginCallMetrics(clock) } = options
  const { metricsAddress, notify } = options.settings
  const version = packageVersion()
  return openTogether(async (adopt) => {
    const metrics = metricsAddress && createMetrics({ clock, version, pluginCalls })
    const own = metrics?.of(undefined)
    const tracing = await startTracing({ environment: process.env, version, log })
    if (tracing !== undefined) adopt(tracing)
    const notifier =
      notify &&
      adopt(
        createNotifier({
          ...notify,
          version,
          clock,
          random: Math.random,
          newID: randomUUID,
          log,
          onOutcome: metrics?.notified ?? (() => {}),
        }),
      )

    const views = new Map<string | undefined, OperatorView>()
    const phaseOf = (view: OperatorView | undefined): Phase =>
      view === undefined
        ? { type: isReplica ? 'standby' : 'starting' }
        : { type: 'running', view, hasNomadAnswered: own?.lastAnswerMs() !== undefined }
    if (metricsAddress !== undefined && metrics !== undefined) {
      const server = adopt(
        await startTelemetryServer({
          ...metricsAddress,
          metrics,
          liveness: () => [...views.values()].flatMap((view) => planLiveness(phaseOf(view))),
          // Another cluster that cannot be reached does not affect the process.
          readiness: () => planReadiness(phaseOf(views.get(undefined))),
        }),
      )
      log.info({ url: `${server.url}/metrics` }, 'metrics listen')
    }

    return {
      of(inventory, cluster) {
        const measured = cluster === undefined ? own : metrics?.of(cluster)
        const notable =
          notifier &&
          watchNotable({
            records: inventory.list,
            record: inventory.get,
            tell: notifier.tell,
            ...(cluster === undefined ? {} : { cluster }),
          })
        return {
          hooks: {
            aroundPass: nest(measured?.aroundPass, tracing?.aroundPass),
            aroundStep: nest(measured?.aroundStep, tracing?.aroundStep, notable?.aroundStep),
            aroundCall: nest(measured?.aroundCall, tracing?.aroundCall),
            aroundPluginCall: nest(pluginCalls.aroundCall, tracing?.aroundPluginCall),
            onStatus: notable?.onStatus ?? (() => {}),
          },
          show(view, findOrphans) {
            const ended = new AbortController()
            views.set(cluster, view)
            measured?.observe(view)
            if (measured !== undefined) {
              const { signal } = ended
              void searchForOrphans({ findOrphans, view, metrics: measured, clock, log, signal })
            }
            return {
              async close() {
                ended.abort()
                views.delete(cluster)
                if (cluster === undefined) own?.observe(nothingToSee)
                else await measured?.forget()
              },
            }
          },
        } satisfies OperatorTelemetry
      },
    }
  })
}

import { Histogram, type Registry } from 'prom-client'
import type { Around } from '../lib/around.ts'
import type { SteadyClock } from '../lib/clock.ts'

/** In seconds. The CSI sidecars of Kubernetes use the same. */
export const callBuckets = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 25, 50, 120, 300, 600]

export interface PluginCallMetrics {
  readonly aroundCall: Around<{ readonly pluginID: string; readonly path: string }>
  /** Adds the metric to one more registry. */
  register(registry: Registry): void
}

/**
 * Measures the calls of CSI plugins. Name, labels and buckets are those of the CSI sidecars (csi-lib-utils, metrics), so
 * existing dashboards show them.
 */
export function createPluginCallMetrics(clock: SteadyClock): PluginCallMetrics {
  const calls = new Histogram({
    name: 'csi_sidecar_operations_seconds',
    help: 'Calls of CSI plugins that this process made itself, by plugin ID, method and gRPC code.',
    labelNames: ['driver_name', 'method_name', 'grpc_status_code'],
    buckets: callBuckets,
    registers: [],
  })
  return {
    async aroundCall({ pluginID, path }, run) {
      const startMs = clock.monotonicMs()
      let code = 'OK'
      try {
        return await run()
      } catch (error) {
        code = codeOf(error)
        throw error
      } finally {
        const labels = { driver_name: pluginID, method_name: path, grpc_status_code: code }
        calls.observe(labels, (clock.monotonicMs() - startMs) / 1000)
      }
    },
    register: (registry) => registry.registerMetric(calls),
  }
}

/** As Go and the sidecars write it: `DeadlineExceeded` for DEADLINE_EXCEEDED. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error) || !('codeName' in error)) return 'Unknown'
  if (error.codeName === 'CANCELLED') return 'Canceled'
  return String(error.codeName)
    .toLowerCase()
    .replace(/(?:^|_)([a-z])/g, (_match, letter: string) => letter.toUpperCase())
}

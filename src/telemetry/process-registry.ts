import { monitorEventLoopDelay } from 'node:perf_hooks'
import process from 'node:process'
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'

/** A registry with the metrics of every Mooring process: the release, and the default metrics of prom-client. */
export function createProcessRegistry(version: string): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  new Gauge({
    name: 'mooring_build_info',
    help: 'Always 1, with the version of Mooring and of Node.',
    labelNames: ['version', 'node_version'],
    registers: [registry],
  }).set({ version, node_version: process.version }, 1)
  addEventLoopDelay(registry)
  return registry
}

const resolutionMs = 10

/** prom-client's own metrics of the event loop lack the 99.9th percentile. */
function addEventLoopDelay(registry: Registry): void {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs })
  histogram.enable()
  const secondsOf = (nanoseconds: number) => Math.max(0, nanoseconds / 1e9 - resolutionMs / 1e3)
  new Gauge({
    name: 'mooring_event_loop_delay_seconds',
    help: 'How long the event loop was held up since the last scrape: the 99.9th percentile, and the longest as quantile 1.',
    labelNames: ['quantile'],
    registers: [registry],
    collect() {
      this.set({ quantile: '0.999' }, secondsOf(histogram.percentile(99.9)))
      this.set({ quantile: '1' }, secondsOf(histogram.max))
      histogram.reset()
    },
  })
}

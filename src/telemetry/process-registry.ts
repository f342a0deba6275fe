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
  return registry
}

import process from 'node:process'
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'

/** A registry of what every process of ours shows: the release, and what Node's client measures by itself. */
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

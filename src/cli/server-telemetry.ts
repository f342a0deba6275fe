import type { PluginClientOptions } from '../csi/plugin-client.ts'
import { systemClock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { packageVersion } from '../lib/version.ts'
import { createPluginCallMetrics } from '../telemetry/plugin-calls.ts'
import { createProcessRegistry } from '../telemetry/process-registry.ts'
import { startTelemetryServer } from '../telemetry/telemetry-server.ts'

/** Starts the metrics and health of `mooring server`, where the flags ask for them. */
export async function startServerTelemetry(
  address: { readonly host: string; readonly port: number } | undefined,
  log: Log,
): Promise<{
  readonly aroundPluginCall: NonNullable<PluginClientOptions['aroundCall']>
  /** To be called when the Volumes API answers. */
  isReady(): void
  close(): Promise<void>
}> {
  const pluginCalls = createPluginCallMetrics(systemClock)
  let missing: readonly string[] = ['the server is starting']
  const registry = createProcessRegistry(packageVersion())
  pluginCalls.register(registry)
  const server =
    address &&
    (await startTelemetryServer({
      ...address,
      metrics: { render: () => registry.metrics(), contentType: registry.contentType },
      liveness: () => [],
      readiness: () => missing,
    }))
  if (server) log.info({ metrics: `${server.url}/metrics` }, 'metrics listen')
  return {
    aroundPluginCall: pluginCalls.aroundCall,
    isReady() {
      missing = []
    },
    close: async () => server?.close(),
  }
}

import { DiagLogLevel, diag } from '@opentelemetry/api'
import type { Log } from '../../lib/log.ts'
import { createTracing, type Tracing } from './tracing.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** What the standard environment variables request: traces, no traces, or something unsupported. */
export function planTracing(environment: Environment): 'on' | 'off' | { readonly unsupported: string } {
  const of = (name: string) => environment[name]?.trim() ?? ''
  if (of('OTEL_SDK_DISABLED').toLowerCase() === 'true') return 'off'
  const exporter = of('OTEL_TRACES_EXPORTER')
  if (exporter === 'none') return 'off'
  const hasEndpoint = of('OTEL_EXPORTER_OTLP_ENDPOINT') + of('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT') !== ''
  if (exporter === '' && !hasEndpoint) return 'off'
  if (exporter !== '' && exporter !== 'otlp')
    return { unsupported: `OTEL_TRACES_EXPORTER is "${exporter}": write otlp or none` }
  const protocol = of('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL') || of('OTEL_EXPORTER_OTLP_PROTOCOL')
  return protocol === '' || protocol === 'http/protobuf'
    ? 'on'
    : {
        unsupported: `OTEL_EXPORTER_OTLP_PROTOCOL is "${protocol}": only http/protobuf is supported: remove it, and send to port 4318`,
      }
}

/**
 * Sends traces by OTLP where the standard environment variables of OpenTelemetry request it. The exporter itself reads its
 * endpoint, headers, timeout, compression and certificates from them. Without traces, the SDK is not loaded.
 * @returns undefined where traces are off
 */
export async function startTracing(options: {
  readonly environment: Environment
  readonly version: string
  readonly log: Log
}): Promise<(Tracing & { close(): Promise<void> }) | undefined> {
  const { environment, version, log } = options
  const plan = planTracing(environment)
  if (typeof plan === 'object') log.warn({ why: plan.unsupported }, 'traces are off')
  if (plan !== 'on') return undefined
  const [sdk, { OTLPTraceExporter }, resources] = await Promise.all([
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/exporter-trace-otlp-proto'),
    import('@opentelemetry/resources'),
  ])
  const complain = (why: string) => log.warn({ why }, 'traces are held up')
  diag.setLogger(
    { error: complain, warn: complain, info() {}, debug() {}, verbose() {} },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  )
  const provider = new sdk.TracerProvider({
    resource: resources
      .resourceFromAttributes({ 'service.name': 'mooring', 'service.version': version })
      .merge(
        resources.detectResources({
          detectors: [
            resources.resourceAttributesEnvDetector,
            resources.serviceNameEnvDetector,
            resources.serviceInstanceIdDetector,
          ],
        }),
      ),
    sampler: new sdk.ParentBasedSampler({ root: createRootSampler(sdk, environment) }),
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter: new OTLPTraceExporter() })],
  })
  return {
    ...createTracing(provider.getTracer('mooring', version)),
    async close() {
      // The logger above reports what could not be sent.
      await provider.shutdown().catch((error) => complain(String(error)))
      diag.disable()
    },
  }
}

/** From OTEL_TRACES_SAMPLER and its argument. `parentbased_` changes nothing, because a pass has no parent. */
function createRootSampler(sdk: typeof import('@opentelemetry/sdk-trace'), environment: Environment) {
  switch (environment.OTEL_TRACES_SAMPLER?.trim().replace(/^parentbased_/, '')) {
    case 'always_off':
      return new sdk.AlwaysOffSampler()
    case 'traceidratio':
      return new sdk.TraceIdRatioBasedSampler(Number(environment.OTEL_TRACES_SAMPLER_ARG ?? 1))
    default:
      return new sdk.AlwaysOnSampler()
  }
}

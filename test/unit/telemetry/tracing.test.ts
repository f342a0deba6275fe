import { describe, expect, it } from 'vitest'
import { planTracing } from '../../../src/operator/telemetry/start-tracing.ts'

const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' }

describe('traces', () => {
  it.each<[string, Record<string, string>, unknown]>([
    ['off where nothing asks for them', {}, 'off'],
    ['on where an endpoint is given', endpoint, 'on'],
    ['on where an endpoint for traces is given', { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://x' }, 'on'],
    [
      'on where the exporter is asked for, to its own default endpoint',
      { OTEL_TRACES_EXPORTER: 'otlp' },
      'on',
    ],
    ['off where the SDK is disabled', { ...endpoint, OTEL_SDK_DISABLED: 'TRUE' }, 'off'],
    ['off where the exporter is none', { ...endpoint, OTEL_TRACES_EXPORTER: 'none' }, 'off'],
    [
      'refused by name for another exporter',
      { OTEL_TRACES_EXPORTER: 'zipkin' },
      { unsupported: expect.stringContaining('zipkin') },
    ],
    [
      'refused by name for another protocol',
      { ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
      { unsupported: expect.stringContaining('grpc') },
    ],
  ])('are %s', (_title, environment, plan) => {
    expect(planTracing(environment)).toEqual(plan)
  })
})

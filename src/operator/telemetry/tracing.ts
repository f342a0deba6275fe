import { AsyncLocalStorage } from 'node:async_hooks'
import { ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api'
import type { Around } from '../../lib/around.ts'
import { errorMessage } from '../../lib/errors.ts'
import { kindOf } from './key-parts.ts'

export interface Tracing {
  readonly aroundPass: Around<
    { readonly key: string; readonly priority: string; readonly queuedMs: number },
    { readonly type: string; readonly error?: Error }
  >
  readonly aroundStep: Around<{ readonly key: string; readonly step: string; readonly why: string }>
  readonly aroundCall: Around<
    { readonly operation: string; readonly method: string },
    { readonly status: number }
  >
  readonly aroundPluginCall: Around<{ readonly pluginID: string; readonly path: string }>
}

/**
 * Makes a span for each pass, with a child for each step and each request to Nomad. Requests outside of a pass have none.
 * Watches have none, because they may begin in a pass and outlive it.
 */
export function createTracing(tracer: Tracer): Tracing {
  const current = new AsyncLocalStorage<Span>()

  async function inSpan<Result>(span: Span, run: () => Promise<Result>): Promise<Result> {
    try {
      return await current.run(span, run)
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: errorMessage(error) })
      throw error
    } finally {
      span.end()
    }
  }
  /** The parent of new spans; undefined outside of passes and after their end. */
  function parentContext() {
    const parent = current.getStore()
    return parent?.isRecording() ? trace.setSpan(ROOT_CONTEXT, parent) : undefined
  }

  return {
    aroundPass({ key, priority, queuedMs }, run) {
      const kind = kindOf(key)
      const attributes = {
        'mooring.key': key,
        'mooring.kind': kind,
        'mooring.priority': priority,
        'mooring.queued_ms': queuedMs,
      }
      const span = tracer.startSpan(`reconcile ${kind}`, { attributes }, ROOT_CONTEXT)
      return inSpan(span, async () => {
        const outcome = await run()
        span.setAttribute('mooring.outcome', outcome.type)
        if (outcome.error) span.setStatus({ code: SpanStatusCode.ERROR, message: outcome.error.message })
        return outcome
      })
    },
    aroundStep({ step, key, why }, run) {
      const parent = parentContext()
      if (parent === undefined) return run()
      const attributes = { 'mooring.key': key, 'mooring.step': step, 'mooring.why': why }
      return inSpan(tracer.startSpan(`step ${step}`, { attributes }, parent), run)
    },
    aroundCall({ operation, method }, run) {
      const parent = operation.startsWith('watch_') ? undefined : parentContext()
      if (parent === undefined) return run()
      const attributes = { 'mooring.operation': operation, 'http.request.method': method }
      const span = tracer.startSpan(`nomad ${operation}`, { kind: SpanKind.CLIENT, attributes }, parent)
      return inSpan(span, async () => {
        const answer = await run()
        span.setAttribute('http.response.status_code', answer.status)
        if (answer.status >= 400) span.setStatus({ code: SpanStatusCode.ERROR })
        return answer
      })
    },
    aroundPluginCall({ pluginID, path }, run) {
      const parent = parentContext()
      if (parent === undefined) return run()
      const [service = '', method = ''] = path.split('/').slice(1)
      const attributes = {
        'mooring.plugin': pluginID,
        'rpc.system': 'grpc',
        'rpc.service': service,
        'rpc.method': method,
      }
      return inSpan(tracer.startSpan(`plugin ${method}`, { kind: SpanKind.CLIENT, attributes }, parent), run)
    },
  }
}

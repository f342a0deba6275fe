import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import protobuf from 'protobufjs'
import { onTestFinished } from 'vitest'

/** What the tests read of OTLP (opentelemetry-proto, trace/v1); other fields are skipped. */
const proto = `syntax = "proto3";
message Request { repeated ResourceSpans resource_spans = 1; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
message Resource { repeated KeyValue attributes = 1; }
message ScopeSpans { repeated Span spans = 2; }
message Span { bytes trace_id = 1; bytes span_id = 2; bytes parent_span_id = 4; string name = 5; int32 kind = 6;
  repeated KeyValue attributes = 9; Status status = 15; }
message Status { string message = 2; int32 code = 3; }
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; } }`

export interface CollectedSpan {
  readonly name: string
  readonly traceID: string
  readonly spanID: string
  /** Empty: the root of its trace. */
  readonly parentID: string
  readonly attributes: Readonly<Record<string, unknown>>
  readonly service: unknown
  readonly isError: boolean
}

/** A collector on loopback that takes traces as `http/protobuf`; closed when the test ends. */
export async function startCollector(): Promise<{
  readonly url: string
  readonly spans: CollectedSpan[]
  readonly bodies: Buffer[]
}> {
  const type = protobuf.parse(proto).root.lookupType('Request')
  const spans: CollectedSpan[] = []
  const bodies: Buffer[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const sent = Buffer.concat(chunks)
    const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent
    bodies.push(body)
    if (request.url === '/v1/traces') spans.push(...read(type.toObject(type.decode(body), { bytes: String })))
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans, bodies }
}

// biome-ignore lint/suspicious/noExplicitAny: what the schema above says; a test fails where it is not so
function read(request: any): CollectedSpan[] {
  // biome-ignore lint/suspicious/noExplicitAny: as above
  const attributesOf = (list: any[] = []) =>
    Object.fromEntries(list.map(({ key, value }) => [key, Object.values(value ?? {})[0]]))
  // biome-ignore lint/suspicious/noExplicitAny: as above
  return request.resourceSpans.flatMap(({ resource, scopeSpans }: any) =>
    // biome-ignore lint/suspicious/noExplicitAny: as above
    scopeSpans.flatMap(({ spans }: any) =>
      // biome-ignore lint/suspicious/noExplicitAny: as above
      spans.map((span: any) => ({
        name: span.name,
        traceID: span.traceId,
        spanID: span.spanId,
        parentID: span.parentSpanId ?? '',
        attributes: attributesOf(span.attributes),
        service: attributesOf(resource?.attributes)['service.name'],
        isError: span.status?.code === 2,
      })),
    ),
  )
}

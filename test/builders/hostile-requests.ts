import { type IncomingMessage, request } from 'node:http'
import fc from 'fast-check'

/** A request that nobody should send, in the shape of those that people do. */
export interface HostileRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** Sent byte by byte as given, as fetch would not. */
export function sendHostile(
  server: string,
  { method, path, headers, body }: HostileRequest,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(server)
    const framed = { ...headers, 'content-length': String(body.length) }
    const call = request(
      { hostname, port, method, path, headers: framed },
      async (response: IncomingMessage) => {
        const chunks: Buffer[] = []
        for await (const chunk of response) chunks.push(chunk)
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() })
      },
    )
    call.on('error', reject)
    call.end(body)
  })
}

const nasty = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom(
    '',
    'v1',
    'disk',
    '*',
    '__proto__',
    'constructor',
    '../..',
    '%2e%2e',
    '\0',
    '\ud800',
    'a'.repeat(2000),
  ),
)
const segment = nasty.map((text) => encodeURIComponent(text.toWellFormed()))
const path = fc.oneof(
  fc.constantFrom(
    '/v1/volumes',
    '/v1/volumes/external',
    '/v1/volumes/snapshot',
    '/v1/plugins',
    '/v1/namespaces',
    '/v1/nodes',
    '/v1/allocations',
    '/v1/claims',
    '/v1/search',
    '/v1/agent/self',
    '/v1/agent/health',
    '/v1/status/leader',
    '/v1/regions',
  ),
  fc
    .tuple(
      fc.constantFrom(
        '/v1/volume/csi/',
        '/v1/volumes/snapshot/',
        '/v1/plugin/csi/',
        '/v1/namespace/',
        '/v1/node/',
        '/v1/allocation/',
        '/v1/',
      ),
      segment,
      fc.constantFrom(
        '',
        '/create',
        '/delete',
        '/detach',
        '/snapshot',
        '/claim',
        '/claim/x',
        '/y',
        '/%zz',
        '//',
      ),
    )
    .map((parts) => parts.join('')),
)
const query = fc
  .dictionary(
    fc.constantFrom(
      ...['type', 'namespace', 'prefix', 'plugin_id', 'node_id', 'filter', 'per_page', 'next_token', 'stale'],
      ...['pretty', 'force', 'node', 'snapshot_id', 'target_path', 'region', 'reverse'],
    ),
    fc.oneof(nasty, fc.constantFrom('csi', 'true', '1', '-1', 'disk', 'ID == v1', 'ID matches "("')),
    { maxKeys: 5 },
  )
  .map((fields) => new URLSearchParams(fields).toString())
const jsonBody = fc
  .record(
    {
      ID: nasty,
      Name: nasty,
      PluginID: fc.oneof(fc.constant('disk'), nasty),
      Namespace: fc.oneof(fc.constant('default'), nasty),
      ExternalID: nasty,
      RequestedCapabilities: fc.constantFrom(
        [{ AccessMode: 'single-node-writer', AttachmentMode: 'file-system' }],
        null,
        {},
        [null],
      ),
      RequestedCapacityMin: fc.oneof(fc.integer(), fc.double(), fc.string(), fc.constant(1e300)),
      RequestedTopologies: fc.oneof(fc.object(), fc.constant({ Required: [{ __proto__: 'x' }, 1] })),
      MountOptions: fc.oneof(fc.object(), fc.constant(null)),
      Secrets: fc.oneof(fc.dictionary(nasty, nasty), fc.object()),
      Parameters: fc.dictionary(nasty, nasty),
      Context: fc.anything(),
      SourceVolumeID: nasty,
      TargetPath: nasty,
      Prefix: nasty,
    },
    { requiredKeys: [] },
  )
  .chain((volume) => fc.constantFrom({ Volumes: [volume] }, { Snapshots: [volume] }, volume, [volume]))
const body = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.json().map((text) => Buffer.from(text)),
  jsonBody.map((value) =>
    Buffer.from(
      JSON.stringify(value, (_key, item) => (typeof item === 'bigint' ? Number(item) : item)) ?? '',
    ),
  ),
  fc.constantFrom(
    Buffer.from(`${'['.repeat(100_000)}`),
    Buffer.from(`{"Volumes":${'['.repeat(50_000)}${']'.repeat(50_000)}}`),
    Buffer.from('{"__proto__":{"ID":"x"},"Volumes":[{"__proto__":{}}]}'),
    Buffer.alloc(5 * 1024 * 1024, 'x'),
  ),
)
const headers = fc.dictionary(
  fc.constantFrom('content-type', 'x-nomad-csi-secrets', 'x-nomad-token', 'accept-encoding', 'authorization'),
  fc.constantFrom('', 'application/json', 'text/html; charset=x', 'a=b,=,c', 'gzip;q=0', ';;;'),
)

/** For a server with a volume `v1` of a plugin `disk`. Some are larger than a server takes. */
export const hostileRequest: fc.Arbitrary<HostileRequest> = fc
  .tuple(
    fc.constantFrom('GET', 'PUT', 'POST', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS'),
    path,
    query,
    headers,
    body,
  )
  .map(([method, where, what, extra, payload]) => ({
    method,
    path: `${where}?${what}`,
    headers: extra,
    body: payload,
  }))

import fc from 'fast-check'
import type { NomadRequest } from '../helpers/nomad-caller.ts'

/** IDs that a sequence is about; `{p}` is the prefix of its own, `{plugin}` the plugin's ID. */
const ids = ['{p}a', '{p}b'] as const
const anyID = fc.constantFrom(...ids, '{p}none')
const namespace = fc.constantFrom('', '', '', 'namespace=default', 'namespace=*', 'namespace=none')

const capabilities = fc.constantFrom<unknown>(
  ...[
    [{ AccessMode: 'single-node-writer', AttachmentMode: 'file-system' }],
    [
      { AccessMode: 'single-node-writer', AttachmentMode: 'file-system' },
      { AccessMode: 'multi-node-reader-only', AttachmentMode: 'file-system' },
    ],
    [],
    null,
  ],
)

/** What a body may say beside what it must. */
const fields = fc.record(
  {
    RequestedCapacityMin: fc.constantFrom<unknown>(0, 1_000_000, 2_000_000, '1GiB', null, -1, 1.5),
    RequestedCapacityMax: fc.constantFrom<unknown>(0, 5_000_000, 10),
    Parameters: fc.constantFrom<unknown>({}, { type: 'fast' }, null, 'fast'),
    Context: fc.constantFrom<unknown>({}, { share: '/x' }, null),
    Secrets: fc.constantFrom<unknown>({ password: 'p' }, {}, null),
    MountOptions: fc.constantFrom<unknown>(
      { FSType: 'ext4' },
      { FSType: 'ext4', MountFlags: ['ro'] },
      {},
      null,
    ),
    RequestedTopologies: fc.constantFrom<unknown>(
      null,
      { Required: [{ Segments: { rack: 'R1' } }] },
      { Required: null },
    ),
    Topologies: fc.constantFrom<unknown>(null, [null], [{ Segments: { rack: 'R1' } }]),
    SnapshotID: fc.constantFrom('', 'snap-none'),
    CloneID: fc.constantFrom('', 'none'),
    Namespace: fc.constantFrom('default', 'default', 'none'),
    Unknown: fc.constant(1),
  },
  { requiredKeys: [] },
)

const must = (id: string) =>
  fc.record({
    ID: fc.constant(id),
    Name: fc.constant(`name-of-${id}`),
    PluginID: fc.oneof(
      { weight: 12, arbitrary: fc.constant('{plugin}') },
      { weight: 1, arbitrary: fc.constant('none') },
    ),
    RequestedCapabilities: capabilities,
  })

const volume = (id: string, more: object) =>
  fc.tuple(must(id), fields).map(([base, extra]) => ({ Volumes: [{ ...base, ...extra, ...more }] }))
const plain = (id: string, more: object = {}) => ({
  Volumes: [
    {
      ID: id,
      Name: `name-of-${id}`,
      PluginID: '{plugin}',
      RequestedCapabilities: [{ AccessMode: 'single-node-writer', AttachmentMode: 'file-system' }],
      ...more,
    },
  ],
})

const request = (method: string, path: string, body?: unknown): NomadRequest =>
  body === undefined ? { method, path } : { method, path, body }

const define = fc.constantFrom(...ids).chain((id) =>
  fc.oneof(
    fc.constant(request('PUT', `/v1/volume/csi/${id}/create`, plain(id))),
    volume(id, {}).map((body) => request('PUT', `/v1/volume/csi/${id}/create`, body)),
    volume(id, { ExternalID: 'ext-none' }).map((body) => request('PUT', `/v1/volume/csi/${id}`, body)),
    volume(id, {}).map((body) => request('PUT', `/v1/volume/csi/${id}`, body)),
    fc.constant(request('PUT', '/v1/volumes', plain(id, { RequestedCapacityMin: 3_000_000 }))),
  ),
)

const remove = fc
  .tuple(anyID, namespace)
  .chain(([id, query]) =>
    fc.constantFrom(
      request('DELETE', `/v1/volume/csi/${id}?${query}`),
      request('DELETE', `/v1/volume/csi/${id}?force=true`),
      request('DELETE', `/v1/volume/csi/${id}?force=maybe`),
      request('DELETE', `/v1/volume/csi/${id}/delete?${query}`),
      request('DELETE', `/v1/volume/csi/${id}/detach`),
    ),
  )

const filters = fc.constantFrom(
  ...['ID == "{p}a"', 'ID != `{p}a`', 'Name contains "name-of"', '"name" in Name', 'ID matches "{p}(a|b)"'],
  ...['Parameters.type == fast', 'Parameters is empty', 'Namespace is not empty and ID == "{p}b"'],
  ...[
    'not ID == "{p}a"',
    '(ID == "{p}a" or ID == "{p}b")',
    'ID ==',
    'ID == "x',
    'Nothing == 1',
    'ID matches "("',
  ],
  ...["ID == '{p}a'", 'Capacity == 0', 'Capacity == x', 'RequestedCapabilities is empty'],
)

const look = fc.oneof(
  fc.tuple(anyID, namespace).map(([id, query]) => request('GET', `/v1/volume/csi/${id}?${query}`)),
  namespace.map((query) => request('GET', `/v1/volumes?type=csi&prefix={p}&${query}`)),
  filters.map((filter) =>
    request(
      'GET',
      `/v1/volumes?type=csi&prefix={p}&filter=${encodeURIComponent(filter).replaceAll('%7Bp%7D', '{p}')}`,
    ),
  ),
  fc
    .constantFrom('1', '0', '-1', 'x', '100')
    .map((per) => request('GET', `/v1/volumes?type=csi&prefix={p}&per_page=${per}`)),
  fc
    .constantFrom(
      ...[
        '/v1/volumes',
        '/v1/volumes?type=none',
        '/v1/volumes?type=host',
        '/v1/plugins?type=csi',
        '/v1/plugins',
      ],
      ...['/v1/plugin/csi/{plugin}', '/v1/plugin/csi/none', '/v1/namespaces', '/v1/namespace/default'],
      ...[
        '/v1/namespace/none',
        '/v1/volumes/external?plugin_id={plugin}',
        '/v1/volumes/external?plugin_id=none',
      ],
      ...['/v1/volumes/snapshot?plugin_id={plugin}', '/v1/volumes/snapshot', '/v1/volumes/external'],
      ...[
        '/v1/nodes',
        '/v1/node/none',
        '/v1/allocation/none',
        '/v1/regions',
        '/v1/status/leader',
        '/v1/agent/health',
      ],
      ...['/v1/volumes?type=csi&prefix={p}&index=x', '/v1/volumes?type=csi&prefix={p}&wait=x&index=1'],
      ...['/v1/volumes?type=csi&prefix={p}&stale=maybe', '/v1/volumes?type=csi&region=none', '/v1/nothing'],
      ...[
        '/v1/volume/csi/{p}a/create',
        '/v1/volume/csi/{p}a/x',
        '/v1/volume/csi/{p}a/x/y',
        '/v1/volume/csi/',
      ],
    )
    .map((path) => request('GET', path)),
)

const storage = fc.oneof(
  fc
    .constantFrom(...ids)
    .map((id) =>
      request('PUT', '/v1/volumes/snapshot', { Snapshots: [{ SourceVolumeID: id, Name: `snap-of-${id}` }] }),
    ),
  fc
    .constantFrom<unknown>({ Snapshots: [] }, {}, { Snapshots: [{ SourceVolumeID: '{p}none', Name: 'x' }] })
    .map((body) => request('POST', '/v1/volumes/snapshot', body)),
  fc
    .constantFrom('snap-snap-of-{p}a', 'none', '')
    .map((id) => request('DELETE', `/v1/volumes/snapshot?plugin_id={plugin}&snapshot_id=${id}`)),
)

const slips = fc.oneof(
  fc
    .constantFrom<unknown>({}, { Volumes: [] }, { Volumes: null }, [], 'text', 1, null)
    .map((body) => request('PUT', '/v1/volume/csi/{p}a', body)),
  fc
    .constantFrom('PATCH', 'DELETE', 'HEAD', 'POST')
    .chain((method) =>
      fc
        .constantFrom('/v1/volumes', '/v1/plugins', '/v1/volume/csi/{p}a', '/v1/volume/csi/{p}a/create')
        .map((path) => request(method, path)),
    ),
  fc.constantFrom(
    request('PUT', '/v1/volume/csi/{p}a/x', plain('{p}a')),
    request('PUT', '/v1/volume/csi/{p}other/create', plain('{p}a')),
    request('PUT', '/v1/search', { Prefix: '{p}', Context: 'volumes' }),
    request('PUT', '/v1/search', { Prefix: '{plugin}', Context: 'plugins' }),
    request('PUT', '/v1/search', { Prefix: '', Context: 'nothing' }),
  ),
)

/** What is sent one after another to both sides, on volumes of its own. */
export const sequence: fc.Arbitrary<readonly NomadRequest[]> = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: define },
    { weight: 2, arbitrary: remove },
    { weight: 5, arbitrary: look },
    { weight: 2, arbitrary: storage },
    { weight: 1, arbitrary: slips },
  ),
  { minLength: 5, maxLength: 25 },
)

/** The same sequences for the same seed. */
export const sampleSequences = (count: number, seed: number): readonly (readonly NomadRequest[])[] =>
  fc.sample(sequence, { numRuns: count, seed })

import type { Row } from './row.ts'

const nobody = '00000000-0000-4000-8000-000000000000'
const create = (fields: object) => ({ Volume: { PluginID: 'mkdir', ...fields } })

/** A refusal, in Nomad's words, by another status. */
const refusal = (status: number, text: string): Pick<Row, 'answer' | 'nomad'> => ({
  answer: { status, text },
  nomad: { answer: { status: 500, text }, decision: 'status-codes' },
})

/** Dynamic host volumes. */
export const hostRows: readonly Row[] = [
  {
    endpoint: 'Create Host Volume',
    case: 'makes a volume under an ID of the server',
    method: 'PUT',
    path: '/v1/volume/host/create',
    body: create({ Name: '{p}h1', Parameters: { mode: '0755' } }),
    answer: {
      status: 200,
      headers: ['x-nomad-index'],
      json: {
        Volume: {
          Namespace: 'default',
          Name: '{p}h1',
          PluginID: 'mkdir',
          NodePool: 'default',
          CapacityBytes: 0,
          RequestedCapacityMinBytes: 0,
          RequestedCapacityMaxBytes: 0,
          RequestedCapabilities: [{ AccessMode: 'single-node-writer', AttachmentMode: 'file-system' }],
          Parameters: { mode: '0755' },
        },
        Warnings: '',
      },
    },
  },
  {
    endpoint: 'Create Host Volume',
    case: 'has POST beside PUT',
    method: 'POST',
    path: '/v1/volume/host/create',
    body: create({ Name: '' }),
    ...refusal(400, 'missing name'),
  },
  ...(
    [
      ['no volume', {}, 400, 'missing volume definition'],
      ['an ID that is none', create({ ID: 'x', Name: 'a' }), 400, 'invalid ID "x"'],
      ['an ID that is not there', create({ ID: nobody, Name: 'a' }), 404, 'volume does not exist'],
      [
        'modes that are not known',
        create({ Name: 'a', RequestedCapabilities: [{ AccessMode: 'x', AttachmentMode: 'file-system' }] }),
        400,
        'invalid access mode: "x"',
      ],
      [
        'a constraint about distinct hosts',
        create({ Name: 'a', Constraints: [{ LTarget: '', RTarget: '', Operand: 'distinct_hosts' }] }),
        400,
        'host volumes of the same name are always on distinct hosts',
      ],
      [
        'a namespace that is not there',
        create({ Name: 'a', Namespace: '{p}none' }),
        400,
        'no such namespace',
      ],
      ['a node that is not there', create({ Name: 'a', NodeID: nobody }), 400, 'does not exist'],
      [
        'a plugin that is not there',
        create({ Name: 'a', PluginID: '{p}none' }),
        422,
        'could not place volume "a"',
      ],
    ] as const
  ).map(
    ([fault, body, status, text]): Row => ({
      endpoint: 'Create Host Volume',
      case: `refuses ${fault}`,
      method: 'PUT',
      path: '/v1/volume/host/create',
      body,
      ...refusal(status, text),
    }),
  ),
  ...(
    [
      ['without a node', { Name: 'a', HostPath: '/' }, 'node ID is required'],
      ['without a path', { Name: 'a', NodeID: nobody }, 'host path is required'],
    ] as const
  ).map(
    ([fault, Volume, text]): Row => ({
      endpoint: 'Register Host Volume',
      case: `refuses one ${fault}`,
      method: 'PUT',
      path: '/v1/volume/host/register',
      body: { Volume },
      ...refusal(400, text),
    }),
  ),
  {
    endpoint: 'Read Host Volume',
    case: 'says that there is none',
    method: 'GET',
    path: `/v1/volume/host/${nobody}`,
    answer: { status: 404, text: 'volume not found' },
  },
  {
    endpoint: 'Delete Host Volume',
    case: 'says that there is none',
    method: 'DELETE',
    path: `/v1/volume/host/${nobody}`,
    ...refusal(404, `no such volume: ${nobody}`),
  },
  {
    endpoint: 'Delete Host Volume',
    case: 'refuses a force that is neither yes nor no',
    method: 'DELETE',
    path: `/v1/volume/host/${nobody}?force=perhaps`,
    answer: { status: 400, text: 'invalid force value' },
  },
  {
    endpoint: 'List host volumes',
    case: 'gives none for a prefix that none has',
    method: 'GET',
    path: '/v1/volumes?type=host&prefix={p}none',
    answer: { status: 200, headers: ['x-nomad-index'], json: [] },
  },
]

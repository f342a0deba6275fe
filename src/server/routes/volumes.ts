import type { ServerContext } from '../context.ts'
import { badRequest, notFound } from '../errors.ts'
import type { Resource } from '../http/api.ts'
import type { RunBlockingQuery } from '../http/blocking-query.ts'
import { parseReadOptions } from '../http/read-options.ts'
import type { VolumeRecord } from '../state/records.ts'
import { registerVolumes } from '../volumes/define-volumes.ts'
import { createStubCache, presentVolume } from '../volumes/present-volume.ts'
import { parseVolumesBody } from '../volumes/request-body.ts'

/** The list of volumes, and Register by its collection path. */
export function volumesRoutes(context: ServerContext, blocking: RunBlockingQuery): Resource[] {
  const { state } = context
  const stub = createStubCache(state)
  return [
    {
      path: '/v1/volumes',
      GET: ({ query, signal }) => {
        const options = parseReadOptions(query)
        const type = query.get('type')
        if (type === null || type === '') return { body: [] }
        // Dynamic host volumes are another resource, of which there are none here.
        if (type === 'host') return { body: [], index: state.index('csi_volumes') }
        if (type !== 'csi') throw notFound('resource not found')
        const pluginID = query.get('plugin_id') ?? ''
        return blocking(
          {
            options,
            topics: ['csi_volumes'],
            index: () => state.index('csi_volumes'),
            answer: (index) => {
              const { page, nextToken } = listVolumes(context, { ...options, pluginID })
              return { json: `[${page.map(stub).join(',')}]`, index, nextToken }
            },
          },
          signal,
        )
      },
      PUT: async ({ query, body }) =>
        definedVolumes(context, await registerVolumes(context, parseVolumesBody(body, query))),
    },
  ]
}

/** What Register and Create answer: the volumes as Read has them. */
export function definedVolumes(context: ServerContext, volumes: readonly VolumeRecord[]) {
  const { state } = context
  return {
    body: {
      Volumes: volumes.map((volume) => presentVolume(context, volume)),
      Warnings: '',
      Index: state.index('csi_volumes'),
      LastContact: 0,
      KnownLeader: true,
      NextToken: '',
    },
    index: state.index('csi_volumes'),
  }
}

interface ListOptions {
  readonly namespace: string
  readonly prefix: string
  readonly pluginID: string
  readonly perPage: number
  readonly nextToken: string
}

/** One page, and the token of the next: the place of its first volume. `''`: this is the last. */
function listVolumes(
  { state, plugins }: ServerContext,
  { namespace, prefix, pluginID, perPage, nextToken }: ListOptions,
): { page: readonly VolumeRecord[]; nextToken: string } {
  const wantedPlugin = pluginID === '' ? undefined : plugins.match(pluginID)
  const volumes = state.csi_volumes.list()
  const page: VolumeRecord[] = []
  for (let at = nextToken === '' ? 0 : state.csi_volumes.position(parsePageToken(nextToken)); ; at++) {
    const volume = volumes[at]
    if (volume === undefined) return { page, nextToken: '' }
    if (namespace !== '*' && volume.namespace !== namespace) continue
    if (!volume.id.startsWith(prefix)) continue
    if (wantedPlugin !== undefined && !wantedPlugin(volume.pluginID)) continue
    if (perPage > 0 && page.length === perPage) return { page, nextToken: pageToken(volume) }
    page.push(volume)
  }
}

/** Encoded, because it stands in a header. A namespace holds no dot. */
const pageToken = ({ namespace, id }: VolumeRecord) => encodeURIComponent(`${namespace}.${id}`)

function parsePageToken(token: string): { namespace: string; id: string } {
  try {
    const [namespace = '', ...rest] = decodeURIComponent(token).split('.')
    return { namespace, id: rest.join('.') }
  } catch {
    // The only fault that decodeURIComponent knows is an encoding that is broken.
    throw badRequest('failed to read result page: the next_token is not one that a list gave')
  }
}

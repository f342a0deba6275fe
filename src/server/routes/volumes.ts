import { listCapabilities } from '../acl/needs.ts'
import type { ServerContext } from '../context.ts'
import { notFound } from '../errors.ts'
import { type Resource, takesBody } from '../http/api.ts'
import type { RunBlockingQuery } from '../http/blocking-query.ts'
import { parseReadOptions } from '../http/read-options.ts'
import type { VolumeRecord } from '../state/records.ts'
import { registerVolumes } from '../volumes/define-volumes.ts'
import { createStubWriter, type ListRows } from '../volumes/list-rows.ts'
import { planList } from '../volumes/list-volumes.ts'
import { presentVolume } from '../volumes/present-volume.ts'
import { volumesReader } from '../volumes/request-body.ts'
import { listHostVolumes } from './host-volumes.ts'

/** The list of volumes, and Register by its collection path. */
export function volumesRoutes(
  context: ServerContext,
  blocking: RunBlockingQuery,
  rows: ListRows,
): Resource[] {
  const { state } = context
  return [
    {
      path: '/v1/volumes',
      GET: ({ query, access, signal }) => {
        const options = parseReadOptions(query)
        const type = query.get('type')
        if (type === null || type === '') return { body: [] }
        if (type === 'host') return listHostVolumes(context, blocking, { query, access, signal })
        if (type !== 'csi') throw notFound('resource not found')
        const takePage = planList(context, rows, {
          ...options,
          pluginID: query.get('plugin_id') ?? '',
          nodeID: query.get('node_id') ?? '',
          isVisible: (namespace) => access.allows(namespace, ...listCapabilities),
        })
        return blocking(
          {
            options,
            topics: ['csi_volumes'],
            index: () => state.index('csi_volumes'),
            answer: async (index) => {
              const { rows, plugins, nextToken } = await takePage()
              return { elements: { rows, write: createStubWriter(plugins) }, index, nextToken }
            },
          },
          signal,
        )
      },
      PUT: takesBody(volumesReader, async (_request, volumes) =>
        definedVolumes(context, await registerVolumes(context, volumes)),
      ),
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

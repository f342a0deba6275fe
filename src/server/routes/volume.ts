import { detachNode } from '../claims/claims.ts'
import type { ServerContext } from '../context.ts'
import { badRequest, notFound } from '../errors.ts'
import { parseGoBoolean } from '../go-values.ts'
import { type ApiRequest, type Resource, takesBody } from '../http/api.ts'
import type { RunBlockingQuery } from '../http/blocking-query.ts'
import { parseNamespace, parseReadOptions } from '../http/read-options.ts'
import { parseSecretsHeader } from '../http/secrets-header.ts'
import { volumeKey } from '../state/records.ts'
import { createVolumes, registerVolumes } from '../volumes/define-volumes.ts'
import { createReadWriter, type ListRows } from '../volumes/list-rows.ts'
import { presentVolume } from '../volumes/present-volume.ts'
import { deleteVolume, deregisterVolume } from '../volumes/remove-volume.ts'
import type { Replays } from '../volumes/replays.ts'
import { volumesReader } from '../volumes/request-body.ts'
import { definedVolumes } from './volumes.ts'

/** One volume: Read, Register, Create, Deregister, Delete. */
export function volumeRoutes(
  context: ServerContext,
  blocking: RunBlockingQuery,
  replays: Replays,
  rows: ListRows,
): Resource[] {
  const { state } = context
  const writeUnclaimed = createReadWriter()
  return [
    {
      path: '/v1/volume/csi/:id',
      GET: ({ params, query, signal }) => {
        const options = parseReadOptions(query)
        const key = volumeKey(options.namespace, idOf(params))
        const pluginID = state.csi_volumes.get(key)?.pluginID
        return blocking(
          {
            options,
            topics: [`csi_volumes/${key}`, ...(pluginID === undefined ? [] : [`csi_plugins/${pluginID}`])],
            index: () => state.index('csi_volumes'),
            answer: (index) => {
              const volume = state.csi_volumes.get(key)
              if (volume === undefined) throw notFound('volume not found', index)
              const row = rows.get(key)
              return row?.volume === volume && row.claims.length === 0
                ? { json: writeUnclaimed(row, state.csi_plugins.get(volume.pluginID)), index }
                : { body: presentVolume(context, volume), index }
            },
          },
          signal,
        )
      },
      PUT: takesBody(volumesReader, async (_request, volumes) =>
        definedVolumes(context, await registerVolumes(context, volumes)),
      ),
      DELETE: async ({ params, query }) => {
        const force = query.get('force') ?? ''
        const parsed = force === '' ? false : parseGoBoolean(force)
        if (parsed === undefined) throw badRequest('invalid force value')
        await deregisterVolume(context, parseNamespace(query), idOf(params), parsed)
        return { index: state.index('csi_volumes') }
      },
    },
    {
      path: '/v1/volume/csi/:id/create',
      PUT: takesBody(volumesReader, async (_request, volumes) =>
        definedVolumes(context, await createVolumes(context, replays, volumes)),
      ),
    },
    {
      path: '/v1/volume/csi/:id/delete',
      DELETE: async ({ params, query, headers }) => {
        await deleteVolume(context, parseNamespace(query), idOf(params), parseSecretsHeader(headers))
        return { index: state.index('csi_volumes') }
      },
    },
    {
      path: '/v1/volume/csi/:id/detach',
      DELETE: async ({ params, query }) => {
        await detachNode(context, parseNamespace(query), idOf(params), query.get('node') ?? '')
        return { index: state.index('csi_volumes') }
      },
    },
    // Whatever else stands beneath a volume is no resource, with any method.
    ...['/v1/volume/csi/:id/:rest', '/v1/volume/csi/:id/:rest/*'].map((path) => ({
      path,
      GET: notAResource,
      PUT: notAResource,
      DELETE: notAResource,
    })),
  ]
}

const idOf = ({ id = '' }: ApiRequest['params']) => {
  if (id === '') throw badRequest('missing volume ID')
  return id
}

const notAResource = () => {
  throw notFound('resource not found')
}

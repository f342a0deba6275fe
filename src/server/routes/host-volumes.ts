import { HostVolumeStub } from '../../wire/host-volume.ts'
import type { ServerContext } from '../context.ts'
import { badRequest, notFound } from '../errors.ts'
import { answerFields, planPage } from '../filter/list-page.ts'
import { parseGoBoolean } from '../go-values.ts'
import { createHostVolume, deleteHostVolume, registerHostVolume } from '../host-volumes/host-volumes.ts'
import { hostVolumeReader, parseHostVolume } from '../host-volumes/parse-host-volume.ts'
import { presentHostVolume, presentHostVolumeStub } from '../host-volumes/present-host-volume.ts'
import { type ApiAnswer, type ApiRequest, type Resource, takesBody } from '../http/api.ts'
import type { RunBlockingQuery } from '../http/blocking-query.ts'
import { parseNamespace, parseReadOptions } from '../http/read-options.ts'
import { type HostVolumeRecord, volumeKey } from '../state/records.ts'

const stubFields = answerFields(HostVolumeStub)

/** Dynamic host volumes: Create, Register, Read, Delete (Nomad: command/agent/host_volume_endpoint.go). */
export function hostVolumeRoutes(context: ServerContext, blocking: RunBlockingQuery): Resource[] {
  const { state } = context
  const defined = (volume: HostVolumeRecord): ApiAnswer => {
    const index = state.index('host_volumes')
    return { body: { Volume: presentHostVolume(volume), Warnings: '', Index: index }, index }
  }
  return [
    {
      path: '/v1/volume/host/create',
      PUT: takesBody(hostVolumeReader, async (_request, volume) =>
        defined(await createHostVolume(context, parseHostVolume(volume))),
      ),
    },
    {
      path: '/v1/volume/host/register',
      PUT: takesBody(hostVolumeReader, async (_request, volume) =>
        defined(await registerHostVolume(context, parseHostVolume(volume))),
      ),
    },
    {
      path: '/v1/volume/host/:id',
      GET: ({ params, query, signal }) => {
        const options = parseReadOptions(query)
        const key = volumeKey(options.namespace, params.id ?? '')
        return blocking(
          {
            options,
            topics: [`host_volumes/${key}`],
            // As Nomad: of the volume itself, and of the table where there is none.
            index: () => state.host_volumes.get(key)?.modifyIndex ?? state.index('host_volumes'),
            answer: (index) => {
              const volume = state.host_volumes.get(key)
              if (volume === undefined) throw notFound('volume not found', index)
              return { body: presentHostVolume(volume), index }
            },
          },
          signal,
        )
      },
      DELETE: async ({ params, query }) => {
        const force = query.get('force') ?? ''
        // This server's only node is here, so there is nothing to force.
        if (force !== '' && parseGoBoolean(force) === undefined) throw badRequest('invalid force value')
        await deleteHostVolume(context, parseNamespace(query), params.id ?? '')
        const index = state.index('host_volumes')
        return { body: { Index: index }, index }
      },
    },
    // What a group of a job with a sticky volume holds. No jobs run here.
    { path: '/v1/volumes/claims', GET: () => ({ body: [], index: 1 }) },
  ]
}

/** List Volumes with `type=host`: what the token may see. */
export function listHostVolumes(
  { state }: ServerContext,
  blocking: RunBlockingQuery,
  { query, access, signal }: Pick<ApiRequest, 'query' | 'access' | 'signal'>,
): Promise<ApiAnswer> {
  const options = parseReadOptions(query)
  const { namespace, prefix } = options
  const nodeID = query.get('node_id') ?? ''
  const nodePool = query.get('node_pool') ?? ''
  const takePage = planPage(options, stubFields, ({ Namespace, ID }) => volumeKey(Namespace, ID))
  return blocking(
    {
      options,
      topics: ['host_volumes'],
      index: () => state.index('host_volumes'),
      answer: (index) => {
        const listed = state.host_volumes
          .list()
          .filter((volume) => namespace === '*' || volume.namespace === namespace)
          .filter((volume) => access.allows(volume.namespace, 'host-volume-read'))
          .filter(({ id, name }) => name.startsWith(prefix) || id.startsWith(prefix))
          .filter((volume) => nodeID === '' || volume.nodeID === nodeID)
          .filter((volume) => nodePool === '' || volume.nodePool === nodePool)
        const { page, nextToken } = takePage(listed.map(presentHostVolumeStub))
        return { body: page, index, nextToken }
      },
    },
    signal,
  )
}

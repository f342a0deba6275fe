import type { ServerContext } from '../context.ts'
import { badRequest } from '../errors.ts'
import type { ApiRequest, Handler, Resource } from '../http/api.ts'
import { parseReadOptions } from '../http/read-options.ts'
import { parseSecretsHeader } from '../http/secrets-header.ts'
import { listExternalVolumes } from '../storage/list-external.ts'
import { createSnapshot, deleteSnapshot, listSnapshots } from '../storage/snapshots.ts'
import { parseSnapshotsBody } from '../storage/snapshots-body.ts'

/** What the plugins' storage holds: external volumes and snapshots. */
export function storageRoutes(context: ServerContext): Resource[] {
  const create: Handler = async (request) => {
    const { namespace, snapshots } = requestedSnapshots(request)
    const created = []
    for (const snapshot of snapshots) created.push(await createSnapshot(context, namespace, snapshot))
    return { body: { Snapshots: created, ...metadata(context) } }
  }
  return [
    {
      path: '/v1/volumes/external',
      GET: async ({ query }) => {
        const pluginID = context.plugins.resolve(query.get('plugin_id') ?? '')
        const page = await listExternalVolumes(context, pluginID, parseReadOptions(query))
        return { body: { ...page, ...metadata(context) } }
      },
    },
    {
      path: '/v1/volumes/snapshot',
      GET: async ({ query, headers }) => {
        const options = parseReadOptions(query)
        const pluginID = context.plugins.resolve(query.get('plugin_id') ?? '')
        const secrets = parseSecretsHeader(headers)
        const page = await listSnapshots(context, pluginID, options.namespace, options, secrets)
        return { body: { ...page, ...metadata(context) } }
      },
      PUT: create,
      DELETE: async ({ query, headers }) => {
        const pluginID = context.plugins.resolve(query.get('plugin_id') ?? '')
        await deleteSnapshot(context, pluginID, query.get('snapshot_id') ?? '', parseSecretsHeader(headers))
        return {}
      },
    },
    // Two more paths that the public page gives for Create Snapshot.
    { path: '/v1/volumes/snapshot/:id', PUT: create },
    { path: '/v1/volume/csi/:id/snapshot', PUT: create },
  ]
}

const metadata = ({ state }: ServerContext) => ({
  Index: state.index('csi_volumes'),
  LastContact: 0,
  KnownLeader: true,
})

function requestedSnapshots({ params: { id }, query, body }: ApiRequest) {
  const given = parseSnapshotsBody(body, query)
  const snapshots = given.snapshots.map((snapshot) => {
    if (id !== undefined && snapshot.SourceVolumeID !== '' && snapshot.SourceVolumeID !== id) {
      throw badRequest(`SourceVolumeID "${snapshot.SourceVolumeID}" is not the "${id}" of the path`)
    }
    return { ...snapshot, SourceVolumeID: id ?? snapshot.SourceVolumeID }
  })
  return { ...given, snapshots }
}

import type { ServerContext } from '../context.ts'
import { badRequest } from '../errors.ts'
import type { ApiAnswer, ApiRequest, Handler, Resource } from '../http/api.ts'
import { parseReadOptions, type ReadOptions } from '../http/read-options.ts'
import { parseSecretsHeader } from '../http/secrets-header.ts'
import { listExternalVolumes } from '../storage/list-external.ts'
import { createSnapshot, deleteSnapshot, listSnapshots } from '../storage/snapshots.ts'
import { parseSnapshotsBody } from '../storage/snapshots-body.ts'
import type { StorageIndexes } from '../storage/storage-indexes.ts'

/** What the plugins' storage holds: external volumes and snapshots. */
export function storageRoutes(context: ServerContext, indexes: StorageIndexes): Resource[] {
  /** Only a list that came whole has an index, and can be waited for. */
  const blockingList = async ({ key, options, read, signal }: BlockingList): Promise<ApiAnswer> => {
    const isWhole = (page: ListPage) => options.nextToken === '' && !page.NextToken
    const { index, waitMs } = options
    const first = await read()
    if (!isWhole(first)) return { body: { ...first, ...metadata(context) } }
    const now = indexes.note(key, first)
    if (index === 0 || now > index) return withIndex(first, now)
    await indexes.waitForChange({ key, index, waitMs, read }, signal)
    const last = await read()
    return withIndex(last, indexes.note(key, last))
  }
  const create: Handler = async (request) => {
    const { namespace, snapshots } = requestedSnapshots(request)
    const created = []
    for (const snapshot of snapshots) created.push(await createSnapshot(context, namespace, snapshot))
    return { body: { Snapshots: created, ...metadata(context) } }
  }
  return [
    {
      path: '/v1/volumes/external',
      GET: ({ query, signal }) => {
        const options = parseUnfiltered(query)
        const pluginID = context.plugins.resolve(query.get('plugin_id') ?? '')
        const read = () => listExternalVolumes(context, pluginID, options)
        return blockingList({ key: `external/${pluginID}`, options, read, signal })
      },
    },
    {
      path: '/v1/volumes/snapshot',
      GET: ({ query, headers, signal }) => {
        const options = parseUnfiltered(query)
        const pluginID = context.plugins.resolve(query.get('plugin_id') ?? '')
        const secrets = parseSecretsHeader(headers)
        const read = () => listSnapshots(context, pluginID, options.namespace, options, secrets)
        return blockingList({ key: `snapshots/${pluginID}`, options, read, signal })
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

/** @throws ApiError 400 also where a filter is asked for, which pages of a plugin's own do not take */
function parseUnfiltered(query: URLSearchParams): ReadOptions {
  const options = parseReadOptions(query)
  if (options.filter !== '') {
    throw badRequest(
      'this list takes no filter: the plugin gives it page by page; filter the pages where you read them',
    )
  }
  return options
}

interface ListPage {
  readonly NextToken?: string | undefined
}

interface BlockingList {
  readonly key: string
  readonly options: ReadOptions
  read(): Promise<ListPage>
  readonly signal: AbortSignal
}

const withIndex = (page: ListPage, index: number): ApiAnswer => ({
  body: { ...page, Index: index, LastContact: 0, KnownLeader: true },
  index,
})

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

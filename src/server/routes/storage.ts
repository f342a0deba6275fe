import type { ServerContext } from '../context.ts'
import { badRequest } from '../errors.ts'
import { type Resource, takesBody } from '../http/api.ts'
import { parseReadOptions, type ReadOptions } from '../http/read-options.ts'
import { parseSecretsHeader } from '../http/secrets-header.ts'
import { listExternalVolumes } from '../storage/list-external.ts'
import { createSnapshot, deleteSnapshot, listSnapshots, withSourceVolumes } from '../storage/snapshots.ts'
import { snapshotsReader } from '../storage/snapshots-body.ts'
import type { StorageIndexes } from '../storage/storage-indexes.ts'

/** What the plugins' storage holds: external volumes and snapshots. */
export function storageRoutes(context: ServerContext, indexes: StorageIndexes): Resource[] {
  /** Only a list that came whole has an index, and can be waited for. */
  const blockingList = async <Page extends ListPage>({ key, options, read, signal }: BlockingList<Page>) => {
    const isWhole = (page: Page) => options.nextToken === '' && !page.NextToken
    const { index, waitMs } = options
    const first = await read()
    // Index 0, as in Nomad: a client does not wait for such a page to change.
    if (key === undefined || !isWhole(first)) return withIndex(first, 0)
    const now = indexes.note(key, first)
    if (index === 0 || now > index) return withIndex(first, now)
    await indexes.waitForChange({ key, index, waitMs, read }, signal)
    const last = await read()
    return withIndex(last, indexes.note(key, last))
  }
  const create = takesBody(snapshotsReader, async (_request, { namespace, snapshots }) => {
    const created = []
    for (const snapshot of snapshots) created.push(await createSnapshot(context, namespace, snapshot))
    return { body: { Snapshots: created, ...metadata(context) } }
  })
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
      GET: async ({ query, headers, signal }) => {
        const options = parseUnfiltered(query)
        const pluginID = context.plugins.resolve(query.get('plugin_id') ?? '')
        const secrets = parseSecretsHeader(headers)
        const read = () => listSnapshots(context, pluginID, options, secrets)
        // What a plugin lists may depend on the secrets that it is given.
        const key = Object.keys(secrets).length === 0 ? `snapshots/${pluginID}` : undefined
        const { body, ...answer } = await blockingList({ key, options, read, signal })
        return { ...answer, body: withSourceVolumes(context, options.namespace, body) }
      },
      PUT: create,
      DELETE: async ({ query, headers }) => {
        const pluginID = query.get('plugin_id') ?? ''
        context.plugins.requireKnown(pluginID)
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

interface BlockingList<Page> {
  /** Names a list that is the same for every client. undefined: it depends on the client, and never blocks. */
  readonly key: string | undefined
  readonly options: ReadOptions
  read(): Promise<Page>
  readonly signal: AbortSignal
}

const withIndex = <Page>(page: Page, index: number) => ({
  body: { ...page, Index: index, LastContact: 0, KnownLeader: true },
  index,
})

const metadata = ({ state }: ServerContext) => ({
  Index: state.index('csi_volumes'),
  LastContact: 0,
  KnownLeader: true,
})

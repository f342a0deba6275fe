import { createBreather } from '../../lib/breather.ts'
import type { ServerContext } from '../context.ts'
import { decodePageToken, encodePageToken, parseFilterOption } from '../filter/list-page.ts'
import type { ReadOptions } from '../http/read-options.ts'
import type { Table, VolumePlace } from '../state/table.ts'
import type { ListRow, PluginsThen } from './list-rows.ts'
import { createFilterRow, volumeFields } from './volume-fields.ts'

export interface ListOptions extends ReadOptions {
  /** An exact ID, else a prefix; `''`: any. */
  readonly pluginID: string
  /** Prefix of the ID of a node that claims hold the volume on; `''`: any. */
  readonly nodeID: string
  /** Whether the client may list this namespace. */
  readonly isVisible: (namespace: string) => boolean
}

/** A page, and the plugins that its health is of. */
export interface ListPage {
  readonly rows: readonly ListRow[]
  readonly plugins: PluginsThen
  /** `''`: the last page. */
  readonly nextToken: string
}

/** A list that was asked for and checked, to be taken when its blocking query ends: as everything is when it is called. */
export type TakePage = () => Promise<ListPage>

/**
 * List Volumes: in the order of namespaces and IDs, with every condition joined to the others. The page's
 * token is the place of the next page's first volume. A long list is gone through piece by piece. @throws ApiError 400
 */
export function planList(
  { state, plugins: registry }: ServerContext,
  volumes: Table<ListRow, VolumePlace>,
  options: ListOptions,
): TakePage {
  const { namespace, prefix, pluginID, nodeID, perPage, nextToken } = options
  const token = nextToken === '' ? undefined : parsePageToken(nextToken)
  const matches = parseFilterOption(options.filter, volumeFields)
  const isVisible = namespace === '*' ? options.isVisible : () => true
  return async () => {
    const plugins = new Map(state.csi_plugins.list().map((plugin) => [plugin.id, plugin]))
    const isOfPlugin = pluginID === '' ? undefined : registry.match(pluginID)
    const breathe = createBreather()
    const rows: ListRow[] = []
    let { all, at, end } = placesOf(volumes, options, token)
    for (let looked = 0; at < end; at++, looked++) {
      const breath = looked % breathEvery === breathEvery - 1 ? breathe() : undefined
      if (breath !== undefined) {
        // The rest as it is now; what changes meanwhile is another list's.
        all = all.slice(at, end)
        at = 0
        end = all.length
        await breath
      }
      const row = all[at]
      if (row === undefined) break
      if (!row.id.startsWith(prefix)) {
        // Within one namespace those with a prefix stand side by side.
        if (namespace === '*') continue
        break
      }
      if (!isVisible(row.namespace)) continue
      if (isOfPlugin !== undefined && !isOfPlugin(row.volume.pluginID)) continue
      if (nodeID !== '' && !row.claims.some((claim) => claim.nodeID.startsWith(nodeID))) continue
      if (matches !== undefined && !matches(createFilterRow(row, plugins))) continue
      if (perPage > 0 && rows.length === perPage) return { rows, plugins, nextToken: pageToken(row) }
      rows.push(row)
    }
    return { rows, plugins, nextToken: '' }
  }
}

/** So many rows pass between two looks at the clock. A costly pattern takes a tenth of a millisecond a row. */
const breathEvery = 16

/** Where in the table the list can begin and end. */
function placesOf(
  volumes: Table<ListRow, VolumePlace>,
  { namespace, prefix }: ListOptions,
  token: VolumePlace | undefined,
): { all: readonly ListRow[]; at: number; end: number } {
  const all = volumes.list()
  const ofToken = token === undefined ? 0 : volumes.position(token)
  if (namespace === '*') return { all, at: ofToken, end: all.length }
  const first = volumes.position({ namespace, id: prefix })
  // No name of a namespace comes between these two.
  const end = volumes.position({ namespace: `${namespace}\0`, id: '' })
  return { all, at: Math.max(first, ofToken), end }
}

/** A namespace holds no dot. */
const pageToken = ({ namespace, id }: VolumePlace) => encodePageToken(`${namespace}.${id}`)

function parsePageToken(token: string): VolumePlace {
  const [namespace = '', ...rest] = decodePageToken(token).split('.')
  return { namespace, id: rest.join('.') }
}

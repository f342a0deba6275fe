import type { ServerContext } from '../context.ts'
import { badRequest } from '../errors.ts'
import { compileFilter, type Predicate } from '../filter/compile-filter.ts'
import { FilterError } from '../filter/expression.ts'
import type { ReadOptions } from '../http/read-options.ts'
import { claimsOf } from '../state/claims-of.ts'
import type { VolumeRecord } from '../state/records.ts'
import type { State } from '../state/state.ts'
import { createFilterRow, volumeFields } from './volume-fields.ts'

export interface ListOptions extends ReadOptions {
  /** An exact ID, else a prefix; `''`: any. */
  readonly pluginID: string
  /** Prefix of the ID of a node that claims hold the volume on; `''`: any. */
  readonly nodeID: string
  /** Whether who asks may list this namespace. */
  readonly isVisible: (namespace: string) => boolean
}

/** A list that was asked for and checked, to be taken when its blocking query ends. */
export type TakePage = () => { readonly page: readonly VolumeRecord[]; readonly nextToken: string }

/**
 * List Volumes: in the order of namespaces and IDs, with every condition joined to the others. The page's
 * token is the place of the next page's first volume. @throws ApiError 400
 */
export function planList(context: ServerContext, options: ListOptions): TakePage {
  const { state, plugins } = context
  const { namespace, prefix, pluginID, nodeID, isVisible, perPage, nextToken } = options
  const start = nextToken === '' ? undefined : parsePageToken(nextToken)
  const isWanted = compileVolumeFilter(state, options.filter)
  return () => {
    const wantedPlugin = pluginID === '' ? undefined : plugins.match(pluginID)
    const volumes = state.csi_volumes.list()
    const page: VolumeRecord[] = []
    for (let at = start === undefined ? 0 : state.csi_volumes.position(start); ; at++) {
      const volume = volumes[at]
      if (volume === undefined) return { page, nextToken: '' }
      if (namespace !== '*' && volume.namespace !== namespace) continue
      if (!volume.id.startsWith(prefix)) continue
      if (namespace === '*' && !isVisible(volume.namespace)) continue
      if (wantedPlugin !== undefined && !wantedPlugin(volume.pluginID)) continue
      if (nodeID !== '' && !claimsOf(state, volume).some((claim) => claim.nodeID.startsWith(nodeID))) continue
      if (isWanted !== undefined && !isWanted(volume)) continue
      if (perPage > 0 && page.length === perPage) return { page, nextToken: pageToken(volume) }
      page.push(volume)
    }
  }
}

function compileVolumeFilter(state: State, filter: string): Predicate<VolumeRecord> | undefined {
  if (filter === '') return undefined
  try {
    const matches = compileFilter(filter, volumeFields)
    return (volume) => matches(createFilterRow(state, volume))
  } catch (error) {
    if (!(error instanceof FilterError)) throw error
    throw badRequest(`failed to read filter expression: ${error.message}`)
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

/** What clients of the server ask for, as plain data, and how it is written in HTTP. */

export type ClientRequest =
  | {
      readonly ask: 'create'
      readonly volume: string
      /** CSI name: `1` or another one. */
      readonly name: string
      readonly minBytes: number
      readonly isShared: boolean
    }
  /** The disk that was made for `of`, perhaps under another ID. */
  | { readonly ask: 'register'; readonly volume: string; readonly of: string; readonly isShared: boolean }
  | { readonly ask: 'deregister'; readonly volume: string; readonly isForced: boolean }
  | { readonly ask: 'delete'; readonly volume: string }
  | { readonly ask: 'claim'; readonly volume: string; readonly target: string; readonly isReadOnly: boolean }
  /** Default: the latest claim of the volume that a client knows of. */
  | { readonly ask: 'release'; readonly volume: string; readonly claim?: string }
  | { readonly ask: 'detach'; readonly volume: string }
  | { readonly ask: 'snapshot'; readonly volume: string; readonly name: string }
  | { readonly ask: 'read'; readonly volume: string }
  | { readonly ask: 'list' }
  | { readonly ask: 'claims' }
  /** Waits until the list has changed, from the index that was seen last. */
  | { readonly ask: 'wait'; readonly waitMs: number }

export const pluginID = 'directories'
/** Stands in every definition, and must appear nowhere else. */
export const volumeSecret = 'TOP-SECRET-b7f3'
export const mountRoot = '/mounts'

/** What a client knows when it sends a request. */
export interface Known {
  readonly externalIDOf: (volume: string) => string | undefined
  readonly claimOf: (volume: string) => string | undefined
  readonly nodeID: string
  readonly index: number
}

export interface HttpCall {
  readonly method: 'GET' | 'PUT' | 'DELETE'
  readonly path: string
  readonly body?: string
}

/** undefined: the client knows too little to ask. */
export function writeRequest(request: ClientRequest, known: Known): HttpCall | undefined {
  const at = 'volume' in request ? `/v1/volume/csi/${request.volume}` : ''
  switch (request.ask) {
    case 'create':
      return {
        method: 'PUT',
        path: `${at}/create`,
        body: definition(request.volume, request.isShared, {
          Name: csiName(request),
          RequestedCapacityMin: request.minBytes,
        }),
      }
    case 'register': {
      const ExternalID = known.externalIDOf(request.of)
      if (ExternalID === undefined) return undefined
      return { method: 'PUT', path: at, body: definition(request.volume, request.isShared, { ExternalID }) }
    }
    case 'deregister':
      return { method: 'DELETE', path: `${at}?force=${request.isForced}` }
    case 'delete':
      return { method: 'DELETE', path: `${at}/delete` }
    case 'claim':
      return {
        method: 'PUT',
        path: `${at}/claim`,
        body: JSON.stringify({ TargetPath: `${mountRoot}/${request.target}`, ReadOnly: request.isReadOnly }),
      }
    case 'release': {
      const claim = request.claim ?? known.claimOf(request.volume)
      return claim === undefined ? undefined : { method: 'DELETE', path: `${at}/claim/${claim}` }
    }
    case 'detach':
      return { method: 'DELETE', path: `${at}/detach?node=${known.nodeID}` }
    case 'snapshot':
      return {
        method: 'PUT',
        path: '/v1/volumes/snapshot',
        body: JSON.stringify({ Snapshots: [{ SourceVolumeID: request.volume, Name: request.name }] }),
      }
    case 'read':
      return { method: 'GET', path: at }
    case 'list':
      return { method: 'GET', path: '/v1/volumes?type=csi' }
    case 'claims':
      return { method: 'GET', path: '/v1/claims' }
    case 'wait':
      return { method: 'GET', path: `/v1/volumes?type=csi&index=${known.index}&wait=${request.waitMs}ms` }
  }
}

export const csiName = ({ volume, name }: { readonly volume: string; readonly name: string }) =>
  `${volume}-${name}`

function definition(ID: string, isShared: boolean, fields: object): string {
  const AccessMode = isShared ? 'multi-node-multi-writer' : 'single-node-writer'
  const volume = {
    ID,
    PluginID: pluginID,
    RequestedCapabilities: [{ AccessMode, AttachmentMode: 'file-system' }],
    Secrets: { token: volumeSecret },
    ...fields,
  }
  return JSON.stringify({ Volumes: [volume] })
}

export const isWrite = ({ ask }: ClientRequest) => !['read', 'list', 'claims', 'wait'].includes(ask)

/** For people. */
export function describeRequest(request: ClientRequest): string {
  const { ask, ...rest } = request
  const fields = Object.entries(rest).map(([field, value]) => `${field} ${value}`)
  return `${ask} (${fields.join(', ')})`
}

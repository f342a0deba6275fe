/** What an answer has to be. Texts may hold `{p}` (prefix of this run) and `{plugin}`. */
export interface ExpectedAnswer {
  readonly status: number
  /** Stands somewhere in a plain-text body; `''`: the body is empty. */
  readonly text?: string
  /** The JSON body holds at least this. */
  readonly json?: unknown
  /** Names of headers that are there. */
  readonly headers?: readonly string[]
}

/** One case of one endpoint, for any server of the Volumes API. */
export interface Row {
  readonly endpoint: string
  readonly case: string
  /** Volumes that are created first, by their fields; `ID` and `Name` are prefixed. */
  readonly given?: readonly Readonly<Record<string, unknown>>[]
  readonly method: string
  readonly path: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly answer: ExpectedAnswer
  /** Where Nomad differs, and which decision of docs/volumes-api.md says why we do not follow. */
  readonly nomad?: { readonly answer: ExpectedAnswer; readonly decision: string }
}

export const capability = { AccessMode: 'single-node-writer', AttachmentMode: 'file-system' }

/** A volume of a body, and what matters of it. */
export const volume = (id: string, fields: object = {}) => ({
  ID: `{p}${id}`,
  Name: `{p}${id}`,
  PluginID: '{plugin}',
  RequestedCapabilities: [capability],
  ...fields,
})
export const volumes = (id: string, fields: object = {}) => ({ Volumes: [volume(id, fields)] })

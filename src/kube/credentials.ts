/** Where an API server is, and how to show it who is asking. */
export interface Access {
  /** Such as `https://10.0.0.1:443`; a path in it comes before `/api`. */
  readonly server: string
  /** Of the service account or the context: the operator's own. */
  readonly namespace: string
  /** An HTTP proxy on the way there. */
  readonly proxy?: string
  /**
   * As of now: files and plugins give others from time to time. May reject while they are being replaced.
   * @param wereRefused the API server did not accept the ones before
   */
  credentials(wereRefused: boolean): Promise<Credentials>
}

export interface Credentials {
  readonly headers: Readonly<Record<string, string>>
  readonly tls: TlsMaterial
}

export interface TlsMaterial {
  readonly ca?: Buffer | string
  readonly cert?: Buffer | string
  readonly key?: Buffer | string
  readonly servername?: string
  readonly rejectUnauthorized?: boolean
}

/** Where an API server is, and how a client authenticates to it. */
export interface Access {
  /** Such as `https://10.0.0.1:443`. A path in it comes before `/api`. */
  readonly server: string
  /** The namespace of the service account or the context, which is the operator's own. */
  readonly namespace: string
  /** The address of an HTTP proxy on the way. */
  readonly proxy?: string
  /**
   * The credentials that are valid now: files and exec plugins renew them. It may reject in the middle of a renewal.
   * @param wereRefused the API server did not accept the last ones
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

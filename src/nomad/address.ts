import { UsageError } from '../lib/errors.ts'

/** The address of an HTTP API. */
export interface Address {
  /** For messages: as a person wrote it, without its path. */
  readonly shown: string
  /** Scheme, host and port. */
  readonly origin: string
  /** Comes before `/v1`; empty or begins with a slash. */
  readonly pathPrefix: string
  /** The path of a unix socket. The host in `origin` then means nothing. */
  readonly socketPath?: string
}

/**
 * Reads an address as it stands in `NOMAD_ADDR`: `http://…`, `https://…`, or `unix:///path`, which is HTTP without TLS
 * (Nomad, api/api.go).
 * @throws UsageError for anything else. Its message contains no user and no password
 */
export function parseAddress(text: string): Address {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'unix:' && url.host === '' && url.pathname.length > 1) {
    const socketPath = decodeURIComponent(url.pathname)
    return { shown: `unix://${socketPath}`, origin: 'http://127.0.0.1', pathPrefix: '', socketPath }
  }
  if (url?.protocol === 'http:' || url?.protocol === 'https:') {
    if (url.username !== '' || url.password !== '') {
      throw new UsageError(
        `the address of the Nomad API at ${url.host} contains a user or a password, which Mooring does not send: remove them, and give an ACL token or a client certificate`,
      )
    }
    return { shown: url.origin, origin: url.origin, pathPrefix: url.pathname.replace(/\/+$/, '') }
  }
  throw new UsageError(
    `${text.includes('@') ? 'what is given' : `"${text}"`} is not the address of a Nomad API: write one like https://nomad.example:4646 or unix:///run/nomad.sock`,
  )
}

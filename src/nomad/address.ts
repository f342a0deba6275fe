import { UsageError } from '../lib/errors.ts'

/** Where an HTTP API is reached. */
export interface Address {
  /** As a person wrote it, without its path. */
  readonly shown: string
  /** Scheme, host and port of its requests. */
  readonly origin: string
  /** Comes before `/v1`; empty or begins with a slash. */
  readonly pathPrefix: string
  /** Of a unix socket; the origin's host then says nothing. */
  readonly socketPath?: string
}

/**
 * Reads an address as `NOMAD_ADDR` has it: `http://…`, `https://…` or `unix:///path`, the last of which speaks
 * HTTP without TLS (Nomad, api/api.go).
 * @throws UsageError for anything else; it repeats no user and no password
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
        `the address of the Nomad API at ${url.host} has a user or a password in it, which Mooring does not send: leave them out, and give an ACL token or a client certificate`,
      )
    }
    return { shown: url.origin, origin: url.origin, pathPrefix: url.pathname.replace(/\/+$/, '') }
  }
  throw new UsageError(
    `${text.includes('@') ? 'what is given' : `"${text}"`} is not the address of a Nomad API; one looks like https://nomad.example:4646 or unix:///run/nomad.sock`,
  )
}

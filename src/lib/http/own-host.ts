import type { X509Certificate } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { BlockList, isIP } from 'node:net'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8)
loopback.addAddress('::1', 'ipv6')

/** Whether only this machine can reach a server on this host. A name other than localhost may stand for any address. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true
  const family = isIP(host)
  return family !== 0 && loopback.check(host, family === 6 ? 'ipv6' : 'ipv4')
}

/** What the server goes by: nothing else in Host is meant for it. */
export interface OwnNames {
  /** Names and addresses, in lower case. */
  readonly names: readonly string[]
  /** The certificate's names are the server's own too. */
  readonly certificate: () => X509Certificate | undefined
}

/**
 * Whether a request is meant for this server. A web page of another site can reach a server on loopback: by a name of
 * its own that points here (Host shows it), or across origins (Origin and Sec-Fetch-Site show it). So only requests of the
 * server's own origin pass.
 * @param localAddress where the connection arrived
 */
export function isMeantForUs(
  headers: IncomingHttpHeaders,
  localAddress: string | undefined,
  own: OwnNames,
): boolean {
  if (!hasOwnHost(headers, localAddress, own)) return false
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false
  const { origin } = headers
  return origin === undefined || URL.parse(origin)?.host === URL.parse(`http://${headers.host}`)?.host
}

/** Whether Host names this server, wherever the request comes from: a link of another site leads to a page of ours. */
export function hasOwnHost(
  headers: Pick<IncomingHttpHeaders, 'host'>,
  localAddress: string | undefined,
  own: OwnNames,
): boolean {
  // HTTP/1.0 has no Host; every browser sends one.
  if (headers.host === undefined) return true
  const host = hostnameOf(`http://${headers.host}`)
  return host !== undefined && isOwnHost(host, localAddress, own)
}

function isOwnHost(
  host: string,
  localAddress: string | undefined,
  { names, certificate }: OwnNames,
): boolean {
  if (isLoopback(host) || names.includes(host)) return true
  if (isIP(host)) {
    // IPv4 arrives as ::ffff:… on a socket of both families.
    return host === localAddress?.replace(/^::ffff:/, '') || certificate()?.checkIP(host) !== undefined
  }
  return certificate()?.checkHost(host) !== undefined
}

/** In lower case, IPv6 without its brackets, a name without the dot that may end it. */
function hostnameOf(url: string): string | undefined {
  return URL.parse(url)
    ?.hostname.replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
}

import { isIP } from 'node:net'

/**
 * Why a request is not for this server, by its Host and Origin; undefined where it is. A page in a browser must
 * not reach a server on loopback: neither by a name of its own that resolves to it (DNS rebinding: Host is
 * that name), nor from another site (Origin is that site). Addresses and `localhost` cannot be rebound.
 * @param ownHost the host that the server was told to listen on
 */
export function foreignReason(
  { host, origin }: { readonly host?: string | undefined; readonly origin?: string | undefined },
  ownHost: string,
): string | undefined {
  const name = parseHost(`http://${host ?? ''}`)
  if (name === undefined) return 'the Host header is missing or broken'
  if (isIP(name) === 0 && name !== 'localhost' && name !== ownHost) {
    return `the Host header names "${name}", which is not this server`
  }
  if (origin === undefined) return undefined
  return parseHost(origin) === name ? undefined : 'the Origin header names another site'
}

function parseHost(url: string): string | undefined {
  return URL.parse(url)?.hostname.replace(/^\[(.*)\]$/, '$1') || undefined
}

import { BlockList, isIP } from 'node:net'
import { isLoopback } from '../lib/http/own-host.ts'
import type { UISettings } from '../operator/admin/http/serve-ui.ts'
import { WrongUseError } from './exit-status.ts'
import { type TlsFlags, tlsFilesOf } from './tls-options.ts'

/** Flags of the dashboard, by the names that commander gives them. */
export interface UIFlags extends TlsFlags {
  readonly httpUi?: { readonly host: string; readonly port: number }
  readonly uiTokenFile?: string
  readonly uiProxyUserHeader?: string
  readonly uiTrustedProxy?: readonly string[]
  readonly uiProxyOperators?: readonly string[]
  readonly allowedHost?: readonly string[]
  readonly uiReadOnly?: boolean
  readonly uiAdvertise?: { readonly host: string; readonly port: number }
  readonly insecure?: boolean
}

/** @throws WrongUseError where flags do not go together, or would let everybody in */
export function readUISettings(flags: UIFlags): UISettings | undefined {
  const { httpUi, uiTokenFile: tokenFile, allowedHost: names = [], insecure = false } = flags
  const proxy = readProxy(flags)
  const tls = tlsFilesOf(flags)
  if (httpUi === undefined) {
    if (tokenFile === undefined && proxy === undefined) return undefined
    throw new WrongUseError('the --ui-… options are for a dashboard, and none is served: give --http-ui')
  }
  if (!isLoopback(httpUi.host)) {
    if (tokenFile === undefined && proxy === undefined)
      throw new WrongUseError(
        `--http-ui ${httpUi.host} can be reached from elsewhere, and nothing says who may use it: give --ui-token-file or --ui-proxy-user-header, or listen on 127.0.0.1`,
      )
    if (tls === undefined && proxy === undefined && !insecure)
      throw new WrongUseError(
        `tokens would cross the network in clear to --http-ui ${httpUi.host}: give --tls-cert and --tls-key, or --insecure where something before it ends TLS`,
      )
  }
  return {
    ...httpUi,
    names,
    readOnly: flags.uiReadOnly ?? false,
    ...(flags.uiAdvertise === undefined ? {} : { advertise: formatAddress(flags.uiAdvertise) }),
    ...(tokenFile === undefined ? {} : { tokenFile }),
    ...(proxy === undefined ? {} : { proxy }),
    ...(tls === undefined ? {} : { tls }),
  }
}

function formatAddress({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function readProxy({
  uiProxyUserHeader: header,
  uiTrustedProxy: addresses = [],
  uiProxyOperators: operators = [],
}: UIFlags): UISettings['proxy'] {
  if (header === undefined && addresses.length === 0 && operators.length === 0) return undefined
  if (header === undefined || addresses.length === 0)
    throw new WrongUseError(
      '--ui-proxy-user-header and --ui-trusted-proxy go together: without an address, anybody could write the header',
    )
  const trusted = new BlockList()
  for (const each of addresses) {
    const [address = '', bits] = each.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) trusted.addAddress(address, family)
    else trusted.addSubnet(address, Number(bits), family)
  }
  return { header: header.toLowerCase(), trusted, operators: new Set(operators) }
}

import { Option } from 'commander'
import type { TlsFiles } from '../lib/http/tls.ts'
import { WrongUseError } from './exit-status.ts'

export interface TlsFlags {
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly tlsClientCa?: string
}

/** Options of a server that may serve HTTPS. */
export const tlsOptions = () => [
  new Option(
    '--tls-cert <file>',
    'serve HTTPS with this certificate and its chain (PEM), read again when it changes',
  ).env('MOORING_TLS_CERT'),
  new Option('--tls-key <file>', 'the key of --tls-cert').env('MOORING_TLS_KEY'),
  new Option(
    '--tls-client-ca <file>',
    'let in only clients that show a certificate of one of these authorities',
  ).env('MOORING_TLS_CLIENT_CA'),
]

/** @throws WrongUseError where only a part is given */
export function tlsFilesOf({ tlsCert, tlsKey, tlsClientCa }: TlsFlags): TlsFiles | undefined {
  if (tlsCert === undefined && tlsKey === undefined && tlsClientCa === undefined) return undefined
  if (tlsCert === undefined || tlsKey === undefined)
    throw new WrongUseError('only a part of TLS is given: give --tls-cert and --tls-key together')
  return { cert: tlsCert, key: tlsKey, ...(tlsClientCa !== undefined && { clientCA: tlsClientCa }) }
}

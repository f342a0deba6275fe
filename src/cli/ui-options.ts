import { isIP } from 'node:net'
import { InvalidArgumentError, Option } from 'commander'
import { collectOption, parseAddressOption } from './options.ts'
import { tlsOptions } from './tls-options.ts'

function collectProxies(text: string, before: readonly string[] = []): readonly string[] {
  const proxies = collectOption(text)
  for (const proxy of proxies) {
    const [address = '', bits = '0'] = proxy.split('/')
    const most = isIP(address) === 6 ? 128 : 32
    if (isIP(address) === 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > most)
      throw new InvalidArgumentError('write an address such as 10.0.0.5, or a network such as 10.0.0.0/24.')
  }
  return [...before, ...proxies]
}

const collectUsers = (text: string, before: readonly string[] = []) => [
  ...before,
  ...collectOption(text).flatMap((line) => line.split(',').filter((user) => user !== '')),
]

/** Options of the dashboard. */
export function uiOptions(): Option[] {
  return [
    new Option('--http-ui <host:port>', 'address to serve the dashboard and its API at (default: none)')
      .argParser(parseAddressOption)
      .env('MOORING_HTTP_UI'),
    new Option(
      '--ui-token-file <file>',
      'file of who may use the dashboard with a token: on each line viewer or operator, a name, and the token or sha256:<its hash>',
    ).env('MOORING_UI_TOKEN_FILE'),
    new Option(
      '--ui-proxy-user-header <name>',
      'header in which an authenticating proxy names the user, believed from --ui-trusted-proxy only',
    ).env('MOORING_UI_PROXY_USER_HEADER'),
    new Option(
      '--ui-trusted-proxy <address>',
      'address or network that this proxy connects from; may be given more than once',
    )
      .argParser(collectProxies)
      .env('MOORING_UI_TRUSTED_PROXY'),
    new Option(
      '--ui-proxy-operators <users>',
      'users of the proxy who may give orders, by commas; * for all (default: none)',
    )
      .argParser(collectUsers)
      .env('MOORING_UI_PROXY_OPERATORS'),
    new Option('--ui-read-only', 'take no orders from the dashboard, whatever the role')
      .default(false)
      .env('MOORING_UI_READ_ONLY'),
    new Option(
      '--ui-advertise <host:port>',
      'where other replicas reach the dashboard of this one, without TLS: those that stand by pass requests on to the leader',
    )
      .argParser(parseAddressOption)
      .env('MOORING_UI_ADVERTISE'),
    new Option(
      '--allowed-host <name>',
      'another name that browsers call the dashboard by; may be given more than once',
    )
      .argParser(collectOption)
      .env('MOORING_ALLOWED_HOST'),
    ...tlsOptions(),
    new Option(
      '--insecure',
      'let the dashboard listen beyond loopback without TLS, where something before it ends TLS',
    )
      .default(false)
      .env('MOORING_INSECURE'),
  ]
}

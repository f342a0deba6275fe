import process from 'node:process'
import { Option } from 'commander'
import { parseAddress } from '../nomad/address.ts'
import { defaultVariablesNamespace, type NomadConnection } from '../nomad/connection.ts'
import { defaultAddress, taskAddress, taskTokenFile } from '../nomad/environment.ts'

export const nomadConnectionOptions = () => [
  new Option('--nomad-addr <url>', "address of Nomad's HTTP API: http://, https:// or unix:///path")
    .default(
      taskAddress(process.env) ?? defaultAddress,
      `${defaultAddress}; in a Nomad task, the socket of its agent`,
    )
    .argParser(checkAddress)
    .env('NOMAD_ADDR'),
  new Option('--nomad-token <secret>', 'ACL token; better given in the environment or in a file').env(
    'NOMAD_TOKEN',
  ),
  new Option('--nomad-token-file <file>', 'file of the ACL token, read again when it changes')
    .default(taskTokenFile(process.env), 'in a Nomad task, the token of its identity')
    .env('MOORING_NOMAD_TOKEN_FILE'),
  new Option('--nomad-region <region>', 'region of Nomad').env('NOMAD_REGION'),
  new Option('--nomad-ca-cert <file>', 'PEM: authorities to trust instead of those of this machine').env(
    'NOMAD_CACERT',
  ),
  new Option('--nomad-ca-path <folder>', 'folder of such files; --nomad-ca-cert wins over it').env(
    'NOMAD_CAPATH',
  ),
  new Option('--nomad-client-cert <file>', 'PEM: certificate to show to Nomad').env('NOMAD_CLIENT_CERT'),
  new Option('--nomad-client-key <file>', 'PEM: key of that certificate').env('NOMAD_CLIENT_KEY'),
  new Option(
    '--nomad-tls-server-name <name>',
    "name that Nomad's certificate is for, where it is not that of the address",
  ).env('NOMAD_TLS_SERVER_NAME'),
  new Option('--nomad-tls-skip-verify', "do not check Nomad's certificate")
    .default(false)
    .env('NOMAD_SKIP_VERIFY'),
  new Option('--variables-namespace <namespace>', 'Nomad namespace of the Nomad Variables beneath mooring/')
    .default(defaultVariablesNamespace)
    .env('MOORING_VARIABLES_NAMESPACE'),
]

const connectionFlags = [
  'nomadAddr',
  'nomadToken',
  'nomadTokenFile',
  'nomadRegion',
  'nomadCaCert',
  'nomadCaPath',
  'nomadClientCert',
  'nomadClientKey',
  'nomadTlsServerName',
  'nomadTlsSkipVerify',
  'variablesNamespace',
] as const satisfies readonly (keyof NomadConnection)[]

/** The flags of the connection alone, out of all that were given. */
export function readNomadConnection(flags: NomadConnection): NomadConnection {
  const given = connectionFlags.flatMap((name) => (flags[name] === undefined ? [] : [[name, flags[name]]]))
  return { nomadAddr: flags.nomadAddr, ...Object.fromEntries(given) }
}

/** Checked before anything logs it. @throws UsageError where it is no address, or has a password in it */
function checkAddress(text: string): string {
  // Empty means that none is given.
  if (text !== '') parseAddress(text)
  return text
}

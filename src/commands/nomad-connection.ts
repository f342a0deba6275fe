import process from 'node:process'
import { Option } from 'commander'
import { parseAddress } from '../nomad/address.ts'
import { createNomadClient, type NomadClient, type NomadClientOptions } from '../nomad/client.ts'
import type { ClientTlsOptions } from '../nomad/client-tls.ts'
import { chooseToken, defaultAddress, taskAddress, taskTokenFile } from '../nomad/environment.ts'

/** How a command reaches Nomad; the flags are those of the nomad CLI behind `--nomad-`. */
export interface NomadConnection {
  readonly nomadAddr: string
  readonly nomadToken?: string
  readonly nomadTokenFile?: string
  readonly nomadRegion?: string
  readonly nomadCaCert?: string
  readonly nomadCaPath?: string
  readonly nomadClientCert?: string
  readonly nomadClientKey?: string
  readonly nomadTlsServerName?: string
  readonly nomadTlsSkipVerify?: boolean
  /** Of Mooring's own variables. */
  readonly variablesNamespace?: string
  /** Of a NomadCluster, whose Secrets have them; no flag gives them. */
  readonly nomadTlsTexts?: ClientTlsOptions['texts']
}

export const defaultVariablesNamespace = 'default'

export const nomadConnectionOptions = () => [
  new Option('--nomad-addr <url>', "address of Nomad's HTTP API: http://, https:// or unix:///path")
    .default(
      taskAddress(process.env) ?? defaultAddress,
      `${defaultAddress}; in a Nomad task the socket of its agent`,
    )
    .argParser(checkAddress)
    .env('NOMAD_ADDR'),
  new Option('--nomad-token <secret>', 'ACL token; give it by the environment or a file').env('NOMAD_TOKEN'),
  new Option('--nomad-token-file <file>', 'file of the ACL token, read again when it changes')
    .default(taskTokenFile(process.env), "in a Nomad task its identity's")
    .env('MOORING_NOMAD_TOKEN_FILE'),
  new Option('--nomad-region <region>', 'region to speak to').env('NOMAD_REGION'),
  new Option('--nomad-ca-cert <file>', 'PEM: the authorities to trust instead of those of this machine').env(
    'NOMAD_CACERT',
  ),
  new Option('--nomad-ca-path <folder>', 'folder of such files; --nomad-ca-cert comes before it').env(
    'NOMAD_CAPATH',
  ),
  new Option('--nomad-client-cert <file>', 'PEM: the certificate to show to Nomad').env('NOMAD_CLIENT_CERT'),
  new Option('--nomad-client-key <file>', 'PEM: the key of that certificate').env('NOMAD_CLIENT_KEY'),
  new Option(
    '--nomad-tls-server-name <name>',
    "name that Nomad's certificate is for, instead of the address's",
  ).env('NOMAD_TLS_SERVER_NAME'),
  new Option('--nomad-tls-skip-verify', "take any certificate for Nomad's")
    .default(false)
    .env('NOMAD_SKIP_VERIFY'),
  new Option('--variables-namespace <namespace>', 'Nomad namespace of the variables beneath mooring/')
    .default(defaultVariablesNamespace)
    .env('MOORING_VARIABLES_NAMESPACE'),
]

/** Before anything logs it. @throws UsageError where it is none, or has a password in it */
function checkAddress(text: string): string {
  // Empty is none given.
  if (text !== '') parseAddress(text)
  return text
}

/** @throws UsageError that names the flag's value or file which is not what it has to be */
export function connectNomad(
  connection: NomadConnection,
  more: Pick<NomadClientOptions, 'onReloadError'> = {},
): NomadClient {
  return createNomadClient({ ...clientOptionsOf(connection), ...more })
}

/** Empty texts are none, as for Nomad's tools. */
export function clientOptionsOf(connection: NomadConnection): NomadClientOptions {
  const given = Object.fromEntries(
    Object.entries(connection).filter(([, value]) => value !== ''),
  ) as Partial<NomadConnection>
  const { nomadToken, nomadTokenFile, nomadRegion } = given
  const { nomadCaCert, nomadCaPath, nomadClientCert, nomadClientKey, nomadTlsServerName } = given
  return {
    address: given.nomadAddr ?? taskAddress(process.env) ?? defaultAddress,
    ...chooseToken(
      {
        ...(nomadToken !== undefined && { token: nomadToken }),
        ...(nomadTokenFile !== undefined && { tokenFile: nomadTokenFile }),
      },
      process.env,
    ),
    ...(nomadRegion !== undefined && { region: nomadRegion }),
    tls: {
      ...(nomadCaCert !== undefined && { caCertFile: nomadCaCert }),
      ...(nomadCaPath !== undefined && { caPath: nomadCaPath }),
      ...(nomadClientCert !== undefined && { clientCertFile: nomadClientCert }),
      ...(nomadClientKey !== undefined && { clientKeyFile: nomadClientKey }),
      ...(nomadTlsServerName !== undefined && { serverName: nomadTlsServerName }),
      ...(given.nomadTlsTexts !== undefined && { texts: given.nomadTlsTexts }),
      ...(given.nomadTlsSkipVerify === true && { skipVerify: true }),
    },
  }
}

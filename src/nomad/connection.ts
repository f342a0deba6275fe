import process from 'node:process'
import { createNomadClient, type NomadClient, type NomadClientOptions } from './client.ts'
import type { ClientTlsOptions } from './client-tls.ts'
import { chooseToken, defaultAddress, taskAddress } from './environment.ts'

/** How a command reaches Nomad. The flags are those of the nomad CLI, with `--nomad-` before each. */
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
  /** The Nomad namespace of Mooring's own Variables. */
  readonly variablesNamespace?: string
  /** From the Secrets of a NomadCluster. There is no flag for them. */
  readonly nomadTlsTexts?: ClientTlsOptions['texts']
}

export const defaultVariablesNamespace = 'default'

/** @throws UsageError that names the value or the file that cannot be used */
export function connectNomad(
  connection: NomadConnection,
  more: Pick<NomadClientOptions, 'onReloadError' | 'aroundCall'> = {},
): NomadClient {
  return createNomadClient({ ...clientOptionsOf(connection), ...more })
}

/** An empty text counts as absent, as in Nomad's tools. */
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

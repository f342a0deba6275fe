import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext, getCACertificates } from 'node:tls'
import { errorMessage, UsageError } from '../lib/errors.ts'
import { filesBeneath } from '../lib/file-value.ts'
import type { TlsSettings } from '../lib/http/connection-pools.ts'

/** How a client of Nomad speaks TLS; as Nomad's own tools take it. */
export interface ClientTlsOptions {
  /** PEM file of the authorities that are trusted instead of the machine's; comes before `caPath`. */
  readonly caCertFile?: string
  /** Folder of such files, with everything beneath it. */
  readonly caPath?: string
  /** PEM file of the certificate that is shown to Nomad; goes with `clientKeyFile`. */
  readonly clientCertFile?: string
  readonly clientKeyFile?: string
  /** Texts in PEM, in the place of the files: they are in memory alone. */
  readonly texts?: { readonly ca?: string; readonly cert?: string; readonly key?: string }
  /** Name that Nomad's certificate has to be for, instead of the address's: `server.global.nomad`. */
  readonly serverName?: string
  /** Takes any certificate. */
  readonly skipVerify?: boolean
}

/** The files and folders that `readTlsSettings` reads. */
export function tlsPathsOf({
  caCertFile,
  caPath,
  clientCertFile,
  clientKeyFile,
}: ClientTlsOptions): string[] {
  return [caCertFile ?? caPath, clientCertFile, clientKeyFile].filter((path) => path !== undefined)
}

/** @throws UsageError that names the file and what it is for */
export function readTlsSettings(options: ClientTlsOptions): TlsSettings {
  const { caCertFile, caPath, clientCertFile, clientKeyFile, texts, serverName, skipVerify } = options
  if ((clientCertFile === undefined) !== (clientKeyFile === undefined)) {
    throw new UsageError(
      'a client certificate takes its key with it: give both, certificate and key, or none',
    )
  }
  const ca =
    texts?.ca !== undefined
      ? parseAuthorities([texts.ca], 'the Secret')
      : caCertFile !== undefined
        ? readAuthorities([caCertFile], caCertFile)
        : caPath !== undefined
          ? readAuthorities(listFolder(caPath), caPath)
          : // What Node brings, and what this machine trusts, as Nomad's tools do.
            [...getCACertificates('default'), ...getCACertificates('system')]
  const pair =
    texts?.cert !== undefined && texts.key !== undefined
      ? { cert: texts.cert, key: texts.key }
      : clientCertFile !== undefined &&
        clientKeyFile !== undefined && {
          cert: readFile(clientCertFile, 'client certificate'),
          key: readFile(clientKeyFile, 'key of the client certificate'),
        }
  try {
    return {
      // Made once: each connection would parse all authorities anew.
      secureContext: createSecureContext({ ca, minVersion: 'TLSv1.2', ...pair }),
      rejectUnauthorized: skipVerify !== true,
      ...(serverName !== undefined && { servername: serverName }),
    }
  } catch (error) {
    throw new UsageError(
      `${clientCertFile ?? 'tls.crt'} and ${clientKeyFile ?? 'tls.key'} are not a client certificate and its key, in PEM: ${errorMessage(error)}`,
      { cause: error },
    )
  }
}

/** Node takes what is no certificate for none, and would then trust nobody without saying why. */
function readAuthorities(files: readonly string[], place: string): string[] {
  return parseAuthorities(
    files.map((file) => readFile(file, 'certificate authority')),
    place,
  )
}

function parseAuthorities(texts: readonly string[], place: string): string[] {
  const certificates = texts.flatMap(
    (text) => text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [],
  )
  if (certificates.length === 0) throw new UsageError(`${place} holds no certificate authority in PEM`)
  for (const certificate of certificates) {
    try {
      new X509Certificate(certificate)
    } catch (error) {
      throw new UsageError(`${place} holds what is not a certificate: ${errorMessage(error)}`, {
        cause: error,
      })
    }
  }
  return certificates
}

function listFolder(folder: string): string[] {
  try {
    return filesBeneath(folder)
  } catch (error) {
    throw new UsageError(`the folder of certificate authorities cannot be read: ${errorMessage(error)}`, {
      cause: error,
    })
  }
}

/** @param what - for people. @throws UsageError */
export function readFile(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new UsageError(`the ${what} cannot be read: ${errorMessage(error)}`, { cause: error })
  }
}

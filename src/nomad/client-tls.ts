import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext, getCACertificates } from 'node:tls'
import { errorMessage, UsageError } from '../lib/errors.ts'
import { filesBeneath } from '../lib/file-value.ts'
import type { TlsSettings } from '../lib/http/connection-pools.ts'

/** TLS settings of a client of Nomad, as Nomad's own tools have them. */
export interface ClientTlsOptions {
  /** PEM file of the trusted authorities, in place of those of the machine. It comes before `caPath`. */
  readonly caCertFile?: string
  /** A folder of such files, with everything beneath it. */
  readonly caPath?: string
  /** PEM file of the client certificate. It needs `clientKeyFile` too. */
  readonly clientCertFile?: string
  readonly clientKeyFile?: string
  /** PEM texts in place of the files. They exist in memory only. */
  readonly texts?: { readonly ca?: string; readonly cert?: string; readonly key?: string }
  /** The name in Nomad's certificate, in place of the address's host: `server.global.nomad`. */
  readonly serverName?: string
  /** Accepts any certificate. */
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
    throw new UsageError('a client certificate needs its key: give both, certificate and key, or none')
  }
  const ca =
    texts?.ca !== undefined
      ? parseAuthorities([texts.ca], 'the Secret')
      : caCertFile !== undefined
        ? readAuthorities([caCertFile], caCertFile)
        : caPath !== undefined
          ? readAuthorities(listFolder(caPath), caPath)
          : // Those of Node and those of this machine.
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

/** Node ignores a text that is no certificate, and would then trust nobody without an error. */
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
      throw new UsageError(`${place} holds a certificate that cannot be read: ${errorMessage(error)}`, {
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

/** @param what the file's purpose, for the message. @throws UsageError */
export function readFile(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new UsageError(`the ${what} cannot be read: ${errorMessage(error)}`, { cause: error })
  }
}

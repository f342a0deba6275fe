import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import type { Clock } from '../clock.ts'
import { errorMessage, UsageError } from '../errors.ts'
import { watchFiles } from '../file-value.ts'
import type { Log } from '../log.ts'

/** Paths of PEM files. */
export interface TlsFiles {
  /** The server's certificate, followed by those between it and its authority. */
  readonly cert: string
  readonly key: string
  /** Given: clients have to show a certificate of one of these authorities. */
  readonly clientCA?: string
}

export interface Tls {
  readonly certificate: X509Certificate
  readonly options: SecureContextOptions
}

/** @throws UsageError that names the file */
export function loadTls(files: TlsFiles): Tls {
  const cert = read(files.cert, 'certificate')
  const key = read(files.key, 'key')
  const ca = files.clientCA === undefined ? undefined : read(files.clientCA, 'authority of clients')
  const options: SecureContextOptions = { cert, key, minVersion: 'TLSv1.2', ...(ca !== undefined && { ca }) }
  try {
    if (ca !== undefined) new X509Certificate(ca)
    const certificate = new X509Certificate(cert)
    createSecureContext(options)
    return { certificate, options }
  } catch (error) {
    const names = [files.cert, files.key, ...(files.clientCA === undefined ? [] : [files.clientCA])].join(
      ', ',
    )
    throw new UsageError(`TLS cannot be served with ${names}: ${errorMessage(error)}`, { cause: error })
  }
}

/**
 * Calls `changed` with what the files hold after each change of them. When the files do not fit together, as in the
 * middle of a renewal, the log says so and the old certificate stays. The returned function ends it.
 */
export function watchTls(files: TlsFiles, clock: Clock, log: Log, changed: (tls: Tls) => void): () => void {
  return watchFiles(Object.values(files), clock, () => {
    try {
      changed(loadTls(files))
      log.info({ cert: files.cert }, 'TLS certificate read again')
    } catch (error) {
      log.error({ reason: errorMessage(error) }, 'TLS goes on with the certificate that it had')
    }
  })
}

function read(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new UsageError(`the TLS ${what} at ${path} cannot be read: ${errorMessage(error)}`, {
      cause: error,
    })
  }
}

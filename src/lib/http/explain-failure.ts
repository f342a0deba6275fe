import { errorCode, errorMessage } from '../errors.ts'

/** The server of an HTTP client as its error messages name it, and the settings that they tell a person to check. */
export interface ServerDescription {
  /** Such as `Nomad`. */
  readonly name: string
  /** Its address. Holds no secret. */
  readonly shown: string
  /** How a person sets each of these; each fits after "in" and "by way of". */
  readonly settings: {
    readonly address: string
    readonly authority: string
    readonly serverName: string
    readonly clientCertificate: string
  }
}

export const connectTimeoutMs = 10_000

/** Why no whole answer came, and what a person can do about it. */
export function explainFailure(error: unknown, { name, shown, settings }: ServerDescription): string {
  const code = errorCode(error)
  switch (code) {
    case 'ECONNREFUSED':
      return `nothing listens at ${shown} (is the address in ${settings.address} right, and is ${name} running?)`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `the host of ${shown} is unknown (is the address in ${settings.address} right?)`
    case 'ENOENT':
      return `there is no socket at ${shown} (is the address in ${settings.address} right, and is ${name} running?)`
    case 'EACCES':
      return `this user may not open the socket ${shown}`
    case 'UND_ERR_CONNECT_TIMEOUT':
      return `no connection to ${shown} within ${connectTimeoutMs / 1000} s`
    case 'UND_ERR_RES_EXCEEDED_MAX_SIZE':
      return `the answer of ${shown} is too large, and was cut`
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return `${shown} does not speak TLS: write http:// in ${settings.address}, or set up TLS at ${name}`
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'CERT_SIGNATURE_FAILURE':
    case 'CERT_UNTRUSTED':
      return `the certificate of ${shown} is not from an authority that is trusted: name the file of that authority in ${settings.authority}`
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `the certificate of ${shown} is for ${namesOf(error)}: give that name in ${settings.serverName}`
    case 'CERT_HAS_EXPIRED':
      return `the certificate of ${shown}, or of its authority, has expired: renew it at ${name}`
    case 'CERT_NOT_YET_VALID':
      return `the certificate of ${shown} is not valid yet: compare the clocks of this machine and of ${name}`
    case 'UND_ERR_SOCKET':
    case 'ECONNRESET':
    case 'EPIPE': {
      // With TLS 1.3 a server refuses a client's certificate after the handshake, and often just closes.
      const hint = shown.startsWith('https:')
        ? `if it asks for a client certificate, give one that it trusts in ${settings.clientCertificate}`
        : `if it speaks TLS, write https:// in ${settings.address}`
      return `${shown} closed the connection before its answer was complete (${hint})`
    }
  }
  if (isRefusedHandshake(error)) {
    return `${shown} does not accept the client certificate (${code}): give one that it trusts in ${settings.clientCertificate}`
  }
  return `${shown}: ${errorMessage(error)}`
}

/**
 * Whether the server refused the TLS handshake. With TLS 1.3 the refusal arrives after the client has finished its
 * handshake and perhaps sent the request. No server reads that request.
 */
export function isRefusedHandshake(error: unknown): boolean {
  const code = errorCode(error) ?? ''
  return /^ERR_SSL_.*ALERT_(CERTIFICATE|BAD_CERTIFICATE|UNKNOWN_CA|UNSUPPORTED_CERTIFICATE|HANDSHAKE_FAILURE|ACCESS_DENIED|DECRYPT_ERROR)/.test(
    code,
  )
}

/** The names in the certificate that the server showed: `DNS:server.global.nomad`. */
function namesOf(error: unknown): string {
  const cert = error instanceof Error && 'cert' in error ? error.cert : undefined
  if (typeof cert !== 'object' || cert === null || !('subjectaltname' in cert)) return 'another name'
  return String(cert.subjectaltname)
}

import { errorCode, errorMessage } from '../lib/errors.ts'

/** What no whole answer came for, with the remedy. @param shown - the address, for people */
export function describeFailure(error: unknown, shown: string, connectTimeoutMs: number): string {
  const code = errorCode(error)
  switch (code) {
    case 'ECONNREFUSED':
      return `nothing listens at ${shown} (is NOMAD_ADDR right, and Nomad running?)`
    case 'ENOTFOUND':
      return `the host of ${shown} is unknown (is NOMAD_ADDR right?)`
    case 'ENOENT':
      return `there is no socket at ${shown} (is NOMAD_ADDR right, and Nomad running?)`
    case 'EACCES':
      return `the socket ${shown} may not be opened by this user`
    case 'UND_ERR_CONNECT_TIMEOUT':
      return `no connection to ${shown} within ${connectTimeoutMs / 1000} s`
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return `${shown} does not speak TLS: write http:// in NOMAD_ADDR (--nomad-addr), or set up TLS at Nomad`
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'CERT_SIGNATURE_FAILURE':
    case 'CERT_UNTRUSTED':
      return `the certificate of ${shown} is not from an authority that is trusted: name its file in NOMAD_CACERT (--nomad-ca-cert), or their folder in NOMAD_CAPATH (--nomad-ca-path)`
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `the certificate of ${shown} is for ${namesOf(error)}: say the name that it is for in NOMAD_TLS_SERVER_NAME (--nomad-tls-server-name), as server.global.nomad`
    case 'CERT_HAS_EXPIRED':
      return `the certificate of ${shown}, or of its authority, has expired: renew it at Nomad`
    case 'CERT_NOT_YET_VALID':
      return `the certificate of ${shown} is not valid yet: is the clock right, here and there?`
    case 'UND_ERR_SOCKET':
    case 'ECONNRESET':
    case 'EPIPE': {
      // With TLS 1.3 a server refuses a client's certificate after the handshake, and often just closes.
      const hint = shown.startsWith('https:')
        ? 'if it asks for a client certificate, give one that it trusts: NOMAD_CLIENT_CERT and NOMAD_CLIENT_KEY'
        : 'if it speaks TLS, write https:// in NOMAD_ADDR'
      return `${shown} closed the connection before its answer was complete (${hint})`
    }
  }
  if (isRefusedHandshake(error)) {
    return `${shown} does not take the client certificate (${code}): give one that it trusts, in NOMAD_CLIENT_CERT and NOMAD_CLIENT_KEY (--nomad-client-cert, --nomad-client-key)`
  }
  return `${shown}: ${errorMessage(error)}`
}

/**
 * Whether the server refused the TLS handshake. With TLS 1.3 it says so after the client took it for done, so
 * that the request may have left; no server reads it then.
 */
export function isRefusedHandshake(error: unknown): boolean {
  const code = errorCode(error) ?? ''
  return /^ERR_SSL_.*ALERT_(CERTIFICATE|BAD_CERTIFICATE|UNKNOWN_CA|UNSUPPORTED_CERTIFICATE|HANDSHAKE_FAILURE|ACCESS_DENIED|DECRYPT_ERROR)/.test(
    code,
  )
}

/** Of the certificate that was shown: `DNS:server.global.nomad`. */
function namesOf(error: unknown): string {
  const cert = error instanceof Error && 'cert' in error ? error.cert : undefined
  if (typeof cert !== 'object' || cert === null || !('subjectaltname' in cert)) return 'another name'
  return String(cert.subjectaltname)
}

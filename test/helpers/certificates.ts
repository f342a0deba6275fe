import { webcrypto } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
// The injector of x509 needs it, and before it.
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const lifetimeMs = 3_600_000

export interface Certificate {
  /** PEM texts, and the files that hold them. */
  readonly cert: string
  readonly key: string
  readonly certFile: string
  readonly keyFile: string
}

export interface Authority extends Certificate {
  /** Issues a certificate for these names and addresses. */
  issue(name: string, hosts: readonly string[], notAfter?: Date): Promise<Certificate>
}

/** A certificate authority whose files, and those of what it issues, are in `directory`. */
export async function createAuthority(
  directory: string,
  name = 'Mooring test authority',
): Promise<Authority> {
  const provider = webcrypto
  x509.cryptoProvider.set(provider)
  const newKeys = () =>
    provider.subtle.generateKey(algorithm, true, ['sign', 'verify']) as Promise<webcrypto.CryptoKeyPair>
  const dates = { notBefore: new Date(Date.now() - lifetimeMs), notAfter: new Date(Date.now() + lifetimeMs) }
  const write = async (file: string, certificate: x509.X509Certificate, keys: webcrypto.CryptoKeyPair) => {
    const cert = certificate.toString('pem')
    const key = x509.PemConverter.encode(
      await provider.subtle.exportKey('pkcs8', keys.privateKey),
      'PRIVATE KEY',
    )
    const [certFile, keyFile] = [join(directory, `${file}.pem`), join(directory, `${file}-key.pem`)]
    writeFileSync(certFile, cert)
    writeFileSync(keyFile, key)
    return { cert, key, certFile, keyFile }
  }

  const keys = await newKeys()
  const own = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    signingAlgorithm: algorithm,
    ...dates,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  })
  return {
    ...(await write(name.replaceAll(' ', '-').toLowerCase(), own, keys)),
    async issue(subject, hosts, notAfter = dates.notAfter) {
      const subjectKeys = await newKeys()
      const certificate = await x509.X509CertificateGenerator.create({
        subject: `CN=${subject}`,
        issuer: own.subject,
        publicKey: subjectKeys.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: algorithm,
        notBefore: new Date(Math.min(dates.notBefore.getTime(), notAfter.getTime() - lifetimeMs)),
        notAfter,
        extensions: [
          new x509.ExtendedKeyUsageExtension([
            x509.ExtendedKeyUsage.serverAuth,
            x509.ExtendedKeyUsage.clientAuth,
          ]),
          new x509.SubjectAlternativeNameExtension(
            hosts.map((host) => ({ type: /^[\d.]+$|:/.test(host) ? 'ip' : 'dns', value: host })),
          ),
        ],
      })
      return await write(subject, certificate, subjectKeys)
    },
  }
}

import { copyFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type SecureContextOptions, TLSSocket } from 'node:tls'
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createNomadClient, type NomadClientOptions } from '../../../src/nomad/client.ts'
import { type Answerer, startHttpServer } from '../../fakes/http-server.ts'
import { type Authority, type Certificate, createAuthority } from '../../helpers/certificates.ts'
import { suiteDirectory, temporaryDirectory } from '../../helpers/temporary-directory.ts'

const directory = suiteDirectory()
let authority: Authority
let others: Authority
let server: Certificate
beforeAll(async () => {
  authority = await createAuthority(directory, 'Ours')
  others = await createAuthority(directory, 'Others')
  server = await authority.issue('server', ['127.0.0.1', 'server.global.nomad'])
})

const noPlugins = () => ({ body: [] })
const withTls = (
  certificate: Certificate = server,
  more: SecureContextOptions & { requestCert?: boolean } = {},
) => ({
  tls: { cert: certificate.cert, key: certificate.key, ...more },
})
const demandingClients = () => withTls(server, { ca: authority.cert, requestCert: true })

async function start(answer: Answerer, options: Parameters<typeof startHttpServer>[1] = {}) {
  const fake = await startHttpServer(answer, options)
  onTestFinished(fake.close)
  return fake
}

function clientOf(address: string, options: Partial<NomadClientOptions> = {}) {
  const client = createNomadClient({ address, ...options })
  onTestFinished(client.close)
  return client
}

const trusted = () => ({ tls: { caCertFile: authority.certFile } })

describe('TLS', () => {
  it('trusts the authorities of a file', async () => {
    const nomad = await start(noPlugins, withTls())
    expect(nomad.address).toMatch(/^https:/)
    expect((await clientOf(nomad.address, trusted()).listPlugins()).items).toEqual([])
  })

  it('trusts the authorities of a folder and those beneath it, but of a file before it', async () => {
    const folder = temporaryDirectory()
    mkdirSync(join(folder, 'more'))
    copyFileSync(others.certFile, join(folder, 'others.pem'))
    copyFileSync(authority.certFile, join(folder, 'more', 'ours.pem'))
    const nomad = await start(noPlugins, withTls())
    await clientOf(nomad.address, { tls: { caPath: folder } }).listPlugins()
    const file = { caPath: folder, caCertFile: others.certFile }
    await expect(clientOf(nomad.address, { tls: file }).listPlugins()).rejects.toThrow('NOMAD_CACERT')
  })

  it('knows Nomad by another name, and shows its own certificate', async () => {
    const named = await authority.issue('named', ['server.global.nomad'])
    const nomad = await start(
      (_request, response) => {
        const { socket } = response
        const subject = socket instanceof TLSSocket ? socket.getPeerCertificate().subject.CN : undefined
        return { body: [], headers: { 'x-nomad-index': subject === 'operator' ? '7' : '0' } }
      },
      withTls(named, { ca: authority.cert, requestCert: true }),
    )
    const own = await authority.issue('operator', [])
    const client = clientOf(nomad.address, {
      tls: {
        caCertFile: authority.certFile,
        serverName: 'server.global.nomad',
        clientCertFile: own.certFile,
        clientKeyFile: own.keyFile,
      },
    })
    expect((await client.listPlugins()).index).toBe(7n)
  })

  it('takes texts in the place of files, as Secrets give them', async () => {
    const nomad = await start(noPlugins, demandingClients())
    const own = await authority.issue('operator-by-text', [])
    const texts = { ca: authority.cert, cert: own.cert, key: own.key }
    await clientOf(nomad.address, { tls: { texts } }).listPlugins()
    const { ca } = texts
    await expect(clientOf(nomad.address, { tls: { texts: { ca } } }).listPlugins()).rejects.toThrow()
    expect(() => clientOf(nomad.address, { tls: { texts: { ca: 'none' } } })).toThrow(
      'the Secret holds no certificate authority',
    )
  })

  it('takes any certificate where it is told to', async () => {
    const nomad = await start(noPlugins, withTls())
    await clientOf(nomad.address, { tls: { skipVerify: true } }).listPlugins()
  })

  it.each<[title: string, start: () => Promise<{ address: string }>, options: () => object, message: RegExp]>(
    [
      [
        'an authority that is not known',
        () => start(noPlugins, withTls()),
        () => ({}),
        /not from an authority that is trusted: name the file of that authority in NOMAD_CACERT \(--nomad-ca-cert\)/,
      ],
      [
        'a certificate for another name',
        async () => start(noPlugins, withTls(await authority.issue('far', ['server.far.nomad']))),
        trusted,
        /is for DNS:server\.far\.nomad: .*NOMAD_TLS_SERVER_NAME \(--nomad-tls-server-name\)/,
      ],
      [
        'a certificate that has expired',
        async () =>
          start(noPlugins, withTls(await authority.issue('old', ['127.0.0.1'], new Date(Date.now() - 1000)))),
        trusted,
        /has expired: renew it/,
      ],
      [
        'a server that speaks no TLS',
        async () => ({ address: (await start(noPlugins)).address.replace('http:', 'https:') }),
        trusted,
        /does not speak TLS: write http:\/\/ in NOMAD_ADDR/,
      ],
      [
        'a server that speaks TLS',
        async () => ({ address: (await start(noPlugins, withTls())).address.replace('https:', 'http:') }),
        trusted,
        /write https:\/\/ in NOMAD_ADDR/,
      ],
      [
        'a server that speaks TLS, and says so as Go does',
        () => start(() => ({ status: 400, body: 'Client sent an HTTP request to an HTTPS server.\n' })),
        trusted,
        /speaks TLS there. Write https:\/\/ in NOMAD_ADDR/,
      ],
      [
        'a server that asks for a certificate',
        () => start(noPlugins, demandingClients()),
        trusted,
        /NOMAD_CLIENT_CERT and NOMAD_CLIENT_KEY/,
      ],
    ],
  )('says what to do about %s', async (_title, startServer, options, message) => {
    const { address } = await startServer()
    await expect(clientOf(address, options()).listPlugins()).rejects.toThrow(message)
  })

  it('knows that a write which the handshake refused was not carried out', async () => {
    const { tls } = demandingClients()
    // Before 1.3 the handshake itself fails.
    const nomad = await start(noPlugins, { tls: { ...tls, maxVersion: 'TLSv1.2' } })
    await expect(
      clientOf(nomad.address, trusted()).deregisterVolume('default', 'data'),
    ).rejects.toMatchObject({
      kind: 'transient',
      reason: 'NomadUnreachable',
    })
    expect(nomad.requests).toEqual([])
  })

  const missing = join(directory, 'none.pem')
  it.each<[title: string, options: () => Partial<NomadClientOptions>, message: () => string]>([
    ['no file of authorities', () => ({ tls: { caCertFile: missing } }), () => missing],
    ['no folder of authorities', () => ({ tls: { caPath: missing } }), () => missing],
    [
      'a file without an authority',
      () => ({ tls: { caCertFile: server.keyFile } }),
      () => `${server.keyFile} holds no certificate authority`,
    ],
    [
      'a certificate without its key',
      () => ({ tls: { clientCertFile: server.certFile } }),
      () => 'give both, certificate and key',
    ],
    ['no key', () => ({ tls: { clientCertFile: server.certFile, clientKeyFile: missing } }), () => missing],
    [
      'the key of another certificate',
      () => ({ tls: { clientCertFile: server.certFile, clientKeyFile: authority.keyFile } }),
      () => `${server.certFile} and ${authority.keyFile} are not a client certificate and its key`,
    ],
    ['no token file', () => ({ tokenFile: missing }), () => missing],
    ['a token file without a token', () => ({ tokenFile: server.certFile }), () => 'holds no Nomad token'],
  ])('names the file: %s', (_title, options, message) => {
    expect(() => createNomadClient({ address: 'https://127.0.0.1:1', ...options() })).toThrow(message())
  })
})

describe('files that change', () => {
  /** A server that tells whose certificate it was shown, and holds back the first answer. */
  async function startTelling() {
    const gate = Promise.withResolvers<void>()
    const shown: string[] = []
    const nomad = await start(async (_request, response) => {
      const { socket } = response
      if (socket instanceof TLSSocket) shown.push(String(socket.getPeerCertificate().subject.CN))
      if (shown.length === 1) await gate.promise
      return { body: [] }
    }, demandingClients())
    const [certFile, keyFile] = [
      join(temporaryDirectory(), 'own.pem'),
      join(temporaryDirectory(), 'own-key.pem'),
    ]
    const write = (certificate: Certificate) => {
      writeFileSync(certFile, certificate.cert)
      writeFileSync(keyFile, certificate.key)
    }
    return { nomad, shown, gate, certFile, keyFile, write }
  }

  it('shows a renewed certificate from the next request on, and cuts no call for it', async () => {
    const { nomad, shown, gate, certFile, keyFile, write } = await startTelling()
    write(await authority.issue('before', []))
    const client = clientOf(nomad.address, {
      tls: { ...trusted().tls, clientCertFile: certFile, clientKeyFile: keyFile },
    })
    const underWay = client.listPlugins()
    await vi.waitFor(() => expect(shown).toEqual(['before']))
    write(await authority.issue('after', []))
    await client.listPlugins()
    expect(shown).toEqual(['before', 'after'])
    gate.resolve()
    expect((await underWay).items).toEqual([])
    // The old connection is not kept once its call has ended.
    await vi.waitFor(async () => expect(await nomad.connections()).toBe(1))
  })

  it('goes on with the old certificate while the new one and its key do not fit, and says so once', async () => {
    const { nomad, shown, gate, certFile, keyFile, write } = await startTelling()
    gate.resolve()
    write(await authority.issue('before', []))
    const errors: unknown[] = []
    const client = clientOf(nomad.address, {
      tls: { ...trusted().tls, clientCertFile: certFile, clientKeyFile: keyFile },
      onReloadError: (error) => errors.push(error),
    })
    await client.listPlugins()
    const after = await authority.issue('after', [])
    writeFileSync(certFile, after.cert)
    await client.listPlugins()
    await client.listPlugins()
    expect(errors).toMatchObject([{ message: expect.stringContaining(certFile) }])
    writeFileSync(keyFile, after.key)
    await client.listPlugins()
    expect(shown).toEqual(['before', 'before', 'before', 'after'])
  })

  it('trusts another authority as soon as its file says so', async () => {
    const file = join(temporaryDirectory(), 'ca.pem')
    copyFileSync(others.certFile, file)
    const nomad = await start(noPlugins, withTls())
    const client = clientOf(nomad.address, { tls: { caCertFile: file } })
    await expect(client.listPlugins()).rejects.toThrow('not from an authority')
    writeFileSync(`${file}.new`, `${others.cert}\n${authority.cert}`)
    renameSync(`${file}.new`, file)
    expect((await client.listPlugins()).items).toEqual([])
  })

  it('sends the token that the file holds now, and the last one where it is gone', async () => {
    const tokenFile = join(temporaryDirectory(), 'nomad_token')
    writeFileSync(tokenFile, 'first\n')
    const nomad = await start(noPlugins)
    const errors: unknown[] = []
    const client = clientOf(nomad.address, { tokenFile, onReloadError: (error) => errors.push(error) })
    await client.listPlugins()
    writeFileSync(`${tokenFile}.new`, 'second.and.longer')
    renameSync(`${tokenFile}.new`, tokenFile)
    await client.listPlugins()
    rmSync(tokenFile)
    await client.listPlugins()
    expect(nomad.requests.map(({ headers }) => headers['x-nomad-token'])).toEqual([
      'first',
      'second.and.longer',
      'second.and.longer',
    ])
    expect(errors).toHaveLength(1)
  })
})

describe('a unix socket', () => {
  it('serves the API', async () => {
    const socketPath = join(temporaryDirectory(), 'api.sock')
    const nomad = await start(noPlugins, { socketPath })
    const client = clientOf(`unix://${socketPath}`, { token: 'identity' })
    await client.listPlugins()
    await client.deregisterVolume('default', 'data')
    expect(nomad.requests.map(({ method, headers }) => [method, headers['x-nomad-token']])).toEqual([
      ['GET', 'identity'],
      ['DELETE', 'identity'],
    ])
  })

  it('is named where there is none', async () => {
    const address = `unix://${join(temporaryDirectory(), 'api.sock')}`
    await expect(clientOf(address).listPlugins()).rejects.toThrow(`there is no socket at ${address}`)
  })
})

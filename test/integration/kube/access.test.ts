import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer as createProxy, request } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { findAccess } from '../../../src/kube/access.ts'
import { createKubernetesClient } from '../../../src/kube/client.ts'
import { connectKubernetes } from '../../../src/kube/connect.ts'
import { createHttp } from '../../../src/kube/http.ts'
import { configMaps, namespaces } from '../../../src/kube/resources.ts'
import { findServiceAccount } from '../../../src/kube/service-account.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { type FakeKubernetes, startFakeKubernetes } from '../../fakes/kubernetes/fake-kubernetes.ts'
import { adjustableClock } from '../../helpers/adjustable-clock.ts'
import { createAuthority } from '../../helpers/certificates.ts'
import { temporaryDirectory, writeTemporaryFile } from '../../helpers/temporary-directory.ts'

async function start(): Promise<FakeKubernetes> {
  const kubernetes = await startFakeKubernetes()
  onTestFinished(() => kubernetes.close())
  return kubernetes
}

interface UserEntry {
  readonly token?: string
  readonly tokenFile?: string
  readonly exec?: unknown
}

function kubeconfig(server: string, user: UserEntry, cluster: Record<string, unknown> = {}): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'first',
    clusters: [{ name: 'main', cluster: { server, 'insecure-skip-tls-verify': true, ...cluster } }],
    users: [{ name: 'someone', user }],
    contexts: [
      { name: 'first', context: { cluster: 'main', user: 'someone' } },
      { name: 'second', context: { cluster: 'main', user: 'someone', namespace: 'storage' } },
    ],
  })
}

async function connect(file: string, clock = systemClock) {
  const connection = await connectKubernetes({ kubeconfig: file, environment: {}, clock })
  onTestFinished(() => connection.close())
  return connection
}

describe('finding the API server', () => {
  it('takes the file that is named, and its context and namespace', async () => {
    const file = writeTemporaryFile('config', kubeconfig('http://127.0.0.1:1', { token: 'a' }))
    expect(await findAccess({ kubeconfig: file, environment: {} })).toMatchObject({
      server: 'http://127.0.0.1:1',
      namespace: 'default',
    })
    expect(await findAccess({ environment: { KUBECONFIG: file }, context: 'second' })).toMatchObject({
      namespace: 'storage',
    })
    const home = temporaryDirectory()
    mkdirSync(join(home, '.kube'))
    writeFileSync(join(home, '.kube', 'config'), kubeconfig('http://127.0.0.1:2', { token: 'a' }))
    expect(await findAccess({ environment: { HOME: home } })).toMatchObject({ server: 'http://127.0.0.1:2' })
  })

  it('merges the files of KUBECONFIG: the first that names a thing decides', async () => {
    const one = writeTemporaryFile('one', kubeconfig('http://127.0.0.1:1', { token: 'a' }))
    const two = writeTemporaryFile(
      'two',
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': 'other',
        clusters: [{ name: 'other', cluster: { server: 'http://127.0.0.1:2' } }],
        users: [{ name: 'other', user: {} }],
        contexts: [{ name: 'other', context: { cluster: 'other', user: 'other' } }],
      }),
    )
    const environment = { KUBECONFIG: `${one}:/does/not/exist:${two}` }
    expect(await findAccess({ environment })).toMatchObject({ server: 'http://127.0.0.1:1' })
    expect(await findAccess({ environment, context: 'other' })).toMatchObject({
      server: 'http://127.0.0.1:2',
    })
  })

  it('says what is wrong', async () => {
    const empty = temporaryDirectory()
    await expect(findAccess({ environment: { HOME: empty } })).rejects.toThrow(/name a file by --kubeconfig/)
    await expect(findAccess({ kubeconfig: '/none', environment: {} })).rejects.toThrow(
      'there is no kubeconfig file /none',
    )
    const file = writeTemporaryFile('config', kubeconfig('http://127.0.0.1:1', { token: 'a' }))
    await expect(findAccess({ kubeconfig: file, context: 'third', environment: {} })).rejects.toThrow(
      /has no context "third".*its contexts are: first, second/,
    )
    const broken = writeTemporaryFile('config', 'a: [')
    await expect(findAccess({ kubeconfig: broken, environment: {} })).rejects.toThrow(
      /^kubeconfig .*config: /,
    )
  })

  it('finds the service account of a pod, and reads its token again when it was replaced', async () => {
    const directory = temporaryDirectory()
    expect(findServiceAccount({ KUBERNETES_SERVICE_HOST: '10.0.0.1' }, directory)).toBeUndefined()
    const write = (token: string) => writeFileSync(join(directory, 'token'), token)
    write('one\n')
    writeFileSync(join(directory, 'namespace'), 'mooring-system\n')
    writeFileSync(join(directory, 'ca.crt'), 'certificate')
    expect(findServiceAccount({}, directory)).toBeUndefined()
    const environment = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '6443' }
    const access = findServiceAccount(environment, directory)
    expect(access).toMatchObject({ server: 'https://[fd00::1]:6443', namespace: 'mooring-system' })
    expect((await access?.credentials(false))?.headers).toEqual({ authorization: 'Bearer one' })
    write('two\n')
    expect((await access?.credentials(false))?.headers).toEqual({ authorization: 'Bearer two' })
  })
})

describe('credentials', () => {
  it('are read again after a minute, and at once after a refusal', async () => {
    const kubernetes = await start()
    const token = writeTemporaryFile('token', kubernetes.adminToken)
    const file = writeTemporaryFile('config', kubeconfig(kubernetes.address, { tokenFile: token }))
    const { api } = await connect(file)
    await api.list(namespaces)
    // Replaced: the old one is no longer good.
    const admin = kubernetes.users.get(kubernetes.adminToken)
    kubernetes.users.delete(kubernetes.adminToken)
    if (admin) kubernetes.addUser('next', admin)
    writeFileSync(token, 'next\n')
    await expect(api.list(namespaces)).rejects.toMatchObject({ code: 401, reason: 'Unauthorized' })
    await api.list(namespaces)
  })

  it('are good until then', async () => {
    const kubernetes = await start()
    kubernetes.addUser('one', { name: 'one', rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }] })
    const clock = adjustableClock()
    let token = 'one'
    const read = vi.fn(async () => ({ headers: { authorization: `Bearer ${token}` }, tls: {} }))
    const http = createHttp({ server: kubernetes.address, namespace: 'default', credentials: read }, clock)
    onTestFinished(() => http.close())
    const api = createKubernetesClient(http)
    await Promise.all([api.list(namespaces), api.list(namespaces)])
    token = kubernetes.adminToken
    clock.advance(60_000)
    await api.list(namespaces)
    expect(kubernetes.requests.map(({ user }) => user)).toEqual(['one', 'one', 'one'])
    clock.advance(1)
    await api.list(namespaces)
    expect(kubernetes.requests.at(-1)?.user).toBe('admin')
    expect(read).toHaveBeenCalledTimes(2)
  })

  it('that cannot be read fail the call and no more', async () => {
    const kubernetes = await start()
    const token = writeTemporaryFile('token', kubernetes.adminToken)
    const file = writeTemporaryFile('config', kubeconfig(kubernetes.address, { tokenFile: `${token}-none` }))
    const { api } = await connect(file)
    await expect(api.list(namespaces)).rejects.toMatchObject({
      kind: 'transient',
      reason: 'CredentialsUnreadable',
    })
    writeFileSync(`${token}-none`, kubernetes.adminToken)
    await api.list(namespaces)
  })

  it('come from a plugin, whose output is never shown', async () => {
    const kubernetes = await start()
    const plugin = writeTemporaryFile('plugin', '')
    const say = (text: string) => {
      writeFileSync(plugin, `#!/bin/sh\ncat <<'END'\n${text}\nEND\n`)
      chmodSync(plugin, 0o755)
    }
    say('topsecret {')
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: plugin, interactiveMode: 'Never' }
    const { api } = await connect(writeTemporaryFile('config', kubeconfig(kubernetes.address, { exec })))
    const failure = await api.list(namespaces).catch((error: unknown) => error)
    expect(failure).toMatchObject({ reason: 'CredentialsUnreadable' })
    expect(String(failure) + JSON.stringify(failure)).not.toContain('topsecret')
    say(JSON.stringify({ kind: 'ExecCredential', status: { token: kubernetes.adminToken } }))
    await api.list(namespaces)
  })

  it('are a certificate, and another when the files are replaced', async () => {
    const directory = temporaryDirectory()
    const authority = await createAuthority(directory)
    const own = await authority.issue('server', ['127.0.0.1'])
    const [one, two] = [await authority.issue('one', []), await authority.issue('two', [])]
    const seen: string[] = []
    const server = createServer(
      { key: own.key, cert: own.cert, ca: authority.cert, requestCert: true, rejectUnauthorized: true },
      (message, response) => {
        seen.push(String((message.socket as TLSSocket).getPeerCertificate().subject.CN))
        response.end(JSON.stringify({ kind: 'List', metadata: { resourceVersion: '1' }, items: null }))
      },
    )
    await listen(server)
    const { port } = server.address() as AddressInfo
    const [cert, key] = [writeTemporaryFile('cert', one.cert), writeTemporaryFile('key', one.key)]
    const clock = adjustableClock()
    const config = JSON.parse(kubeconfig(`https://127.0.0.1:${port}`, {}))
    config.clusters[0].cluster = {
      server: `https://127.0.0.1:${port}`,
      'certificate-authority': authority.certFile,
    }
    config.users[0].user = { 'client-certificate': cert, 'client-key': key }
    const { api } = await connect(writeTemporaryFile('config', JSON.stringify(config)), clock)
    await api.list(configMaps)
    writeFileSync(cert, two.cert)
    writeFileSync(key, two.key)
    clock.advance(60_001)
    await api.list(configMaps)
    expect(seen).toEqual(['one', 'two'])
  })
})

it('a proxy on the way is used', async () => {
  const kubernetes = await start()
  const through: string[] = []
  const proxy = createProxy((message, response) => {
    through.push(message.url ?? '')
    const onward = request(message.url ?? '', { method: message.method, headers: message.headers })
    onward.once('response', (answer) => answer.pipe(response.writeHead(answer.statusCode ?? 500)))
    message.pipe(onward)
  })
  await listen(proxy)
  const { port } = proxy.address() as AddressInfo
  const user = { token: kubernetes.adminToken }
  const config = kubeconfig(kubernetes.address, user, { 'proxy-url': `http://127.0.0.1:${port}` })
  const { api } = await connect(writeTemporaryFile('config', config))
  expect((await api.list(namespaces)).items).toHaveLength(2)
  expect(through).toEqual([`${kubernetes.address}/api/v1/namespaces`])
})

async function listen(server: Server | ReturnType<typeof createProxy>): Promise<void> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(
    () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  )
}

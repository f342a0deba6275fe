/** etcd and kube-apiserver as processes of a test, the way the field's envtest starts them. */
import { type ChildProcess, spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, request } from 'undici'

export interface KubeApiserver {
  /** A file for an administrator. */
  readonly kubeconfig: string
  close(): Promise<void>
}

const token = 'test-administrator'

/** @param assets a folder with `etcd` and `kube-apiserver` */
export async function startKubeApiserver(assets: string, directory: string): Promise<KubeApiserver> {
  const [client, peer, secure] = [await freePort(), await freePort(), await freePort()]
  const path = (name: string) => join(directory, name)
  mkdirSync(path('certificates'))
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  writeFileSync(path('service-account.key'), privateKey, { mode: 0o600 })
  writeFileSync(path('tokens.csv'), `${token},administrator,1,system:masters\n`, { mode: 0o600 })

  const processes: Component[] = []
  const start = (binary: string, flags: Readonly<Record<string, string>>) =>
    processes.push(startComponent(join(assets, binary), flags, path(`${binary}.log`)))
  const close = async () => {
    // The API server first: it waits for etcd otherwise.
    for (const { child, ended } of processes.reverse()) {
      child.kill('SIGTERM')
      await ended
    }
  }

  const etcd = `http://127.0.0.1:${client}`
  start('etcd', {
    'data-dir': path('etcd'),
    'listen-client-urls': etcd,
    'advertise-client-urls': etcd,
    'listen-peer-urls': `http://127.0.0.1:${peer}`,
    'unsafe-no-fsync': 'true',
  })
  start('kube-apiserver', {
    'etcd-servers': etcd,
    'bind-address': '127.0.0.1',
    'secure-port': String(secure),
    'cert-dir': path('certificates'),
    'authorization-mode': 'RBAC',
    'token-auth-file': path('tokens.csv'),
    'service-account-issuer': 'https://127.0.0.1/',
    'service-account-key-file': path('service-account.key'),
    'service-account-signing-key-file': path('service-account.key'),
    'service-cluster-ip-range': '10.0.0.0/24',
    'disable-admission-plugins': 'ServiceAccount',
  })

  const server = `https://127.0.0.1:${secure}`
  const kubeconfig = path('administrator.kubeconfig')
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'test',
      clusters: [{ name: 'test', cluster: { server, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'test', user: { token } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    }),
    { mode: 0o600 },
  )
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false } })
  const waiting = new AbortController()
  try {
    const failed = Promise.race(processes.map(async ({ ended }) => Promise.reject(new Error(await ended))))
    await Promise.race([failed, untilReady(server, dispatcher, waiting.signal)])
  } catch (error) {
    await close()
    throw error
  } finally {
    waiting.abort()
    await dispatcher.destroy()
  }
  return { kubeconfig, close }
}

interface Component {
  readonly child: ChildProcess
  /** How it ended, with what it said last. */
  readonly ended: Promise<string>
}

function startComponent(binary: string, flags: Readonly<Record<string, string>>, logFile: string): Component {
  const log = openSync(logFile, 'w')
  const child = spawn(
    binary,
    Object.entries(flags).map(([name, value]) => `--${name}=${value}`),
    { stdio: ['ignore', log, log] },
  )
  closeSync(log)
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`${binary} cannot be started: ${error.message}`))
    child.once('exit', (code, signal) => {
      const said = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-20)
      resolve([`${binary} ended with ${code ?? signal}:`, ...said].join('\n'))
    })
  })
  return { child, ended }
}

async function untilReady(server: string, dispatcher: Agent, signal: AbortSignal): Promise<void> {
  for (let attempt = 0; !(await isReady(server, dispatcher)); attempt += 1) {
    if (attempt > 300) throw new Error(`kube-apiserver at ${server} is not ready after a minute`)
    await sleep(200, undefined, { signal })
  }
}

async function isReady(server: string, dispatcher: Agent): Promise<boolean> {
  try {
    const { statusCode, body } = await request(`${server}/readyz`, {
      dispatcher,
      headers: { authorization: `Bearer ${token}` },
    })
    await body.dump()
    return statusCode === 200
  } catch {
    // Not listening yet.
    return false
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

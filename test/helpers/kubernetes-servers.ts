/**
 * The API servers that a contract of src/kube is tried on: the double, and a real one where one is named by
 * MOORING_TEST_KUBECONFIG, or where KUBEBUILDER_ASSETS names a folder with etcd and kube-apiserver.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dump, load } from 'js-yaml'
import { connectKubernetes, type KubernetesConnection } from '../../src/kube/connect.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { type FakeKubernetes, startFakeKubernetes } from '../fakes/kubernetes/fake-kubernetes.ts'
import { startKubeApiserver } from './kube-apiserver.ts'

export interface TestServer {
  readonly connection: KubernetesConnection
  /** A connection of a user who has no rights at all, or who is not known. */
  connectAs(user: 'powerless' | 'unknown'): Promise<KubernetesConnection>
  /** A text that is some other server's version of everything. */
  readonly fake: FakeKubernetes | undefined
  /** Whether something ends what is in a namespace that is deleted. */
  readonly endsNamespaces: boolean
  close(): Promise<void>
}

export interface ServerUnderTest {
  readonly title: string
  start(): Promise<TestServer>
}

const { MOORING_TEST_KUBECONFIG: named, KUBEBUILDER_ASSETS: assets } = process.env

/** Why only the double is tried; undefined where a real one is too. */
export const skipReason =
  named || assets ? undefined : 'skipped: MOORING_TEST_KUBECONFIG / KUBEBUILDER_ASSETS not set'

export const kubernetesServers: readonly ServerUnderTest[] = [
  { title: 'the double', start: startDouble },
  ...(named ? [{ title: 'the API server of MOORING_TEST_KUBECONFIG', start: () => useNamed(named) }] : []),
  ...(!named && assets
    ? [{ title: 'kube-apiserver of KUBEBUILDER_ASSETS', start: () => startReal(assets) }]
    : []),
]

async function startDouble(): Promise<TestServer> {
  const fake = await startFakeKubernetes({ bookmarkMs: 100 })
  fake.addUser('powerless-token', { name: 'powerless', rules: [] })
  const files = temporaryFiles()
  const connect = (token: string) => connectTo(files.write(fake.kubeconfig(token)))
  const connections = [await connect(fake.adminToken)]
  return serve(
    connections,
    files,
    fake,
    true,
    async () => fake.close(),
    (user) => connect(`${user}-token`),
  )
}

async function useNamed(kubeconfig: string): Promise<TestServer> {
  const files = temporaryFiles()
  return serve(
    [await connectTo(kubeconfig)],
    files,
    undefined,
    true,
    async () => {},
    (user) => connectTo(files.write(asUser(readFileSync(kubeconfig, 'utf8'), user))),
  )
}

async function startReal(assets: string): Promise<TestServer> {
  const files = temporaryFiles()
  const server = await startKubeApiserver(assets, files.directory)
  return serve(
    [await connectTo(server.kubeconfig)],
    files,
    undefined,
    // No controller manager runs beside it.
    false,
    server.close,
    (user) => connectTo(files.write(asUser(readFileSync(server.kubeconfig, 'utf8'), user))),
  )
}

async function serve(
  [connection, ...more]: KubernetesConnection[],
  files: TemporaryFiles,
  fake: FakeKubernetes | undefined,
  endsNamespaces: boolean,
  close: () => Promise<void>,
  connectAs: TestServer['connectAs'],
): Promise<TestServer> {
  if (!connection) throw new Error('no connection')
  const others = more
  return {
    connection,
    fake,
    endsNamespaces,
    async connectAs(user) {
      const other = await connectAs(user)
      others.push(other)
      return other
    },
    async close() {
      await Promise.all([connection, ...others].map((one) => one.close()))
      await close()
      files.remove()
    },
  }
}

export function connectTo(kubeconfig: string): Promise<KubernetesConnection> {
  return connectKubernetes({ kubeconfig, environment: {}, clock: systemClock })
}

/** The same cluster, as a user who is impersonated, or by a token that nobody has. */
function asUser(kubeconfig: string, user: 'powerless' | 'unknown'): string {
  const config = load(kubeconfig) as { users: { user: Record<string, unknown> }[] }
  for (const entry of config.users) {
    if (user === 'powerless') entry.user.as = 'mooring-test-powerless'
    else entry.user = { token: 'nobody-has-this' }
  }
  return dump(config)
}

interface TemporaryFiles {
  readonly directory: string
  write(text: string): string
  remove(): void
}

function temporaryFiles(): TemporaryFiles {
  const directory = mkdtempSync(join(tmpdir(), 'mooring-test-'))
  let count = 0
  return {
    directory,
    write(text) {
      count += 1
      const file = join(directory, `kubeconfig-${count}`)
      writeFileSync(file, text)
      return file
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  }
}

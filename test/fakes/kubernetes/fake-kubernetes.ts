import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { asRecord, type JsonObject, type StoredObject } from './json.ts'
import { crdKind, createKinds, namespaceKind } from './kinds.ts'
import { createLifecycle } from './lifecycle.ts'
import { createObjects } from './objects.ts'
import { everything, type User } from './rbac.ts'
import { type ApiRequest, createRequests, type Fault } from './requests.ts'
import { createStore, type Store } from './store.ts'

export type { ApiRequest, Fault } from './requests.ts'

export interface FakeKubernetesOptions {
  /** Default: one a minute, as a real one's. */
  readonly bookmarkMs?: number
  /** Default: any free one. */
  readonly port?: number
}

export interface FakeKubernetes {
  readonly address: string
  readonly store: Store
  /** Every request so far that was understood. */
  readonly requests: ApiRequest[]
  readonly users: Map<string, User>
  /** The token of a user who may do everything. */
  readonly adminToken: string
  /** A kubeconfig's text. @param token default: the admin's */
  kubeconfig(token?: string, namespace?: string): string
  /** Writes as an administrator would, at once. */
  create(object: JsonObject): StoredObject
  createNamespace(name: string): void
  addUser(token: string, user: User): void
  /** The next `times` (default 1) requests that match meet the fault. @returns takes back what is left */
  fail(matches: (request: ApiRequest) => boolean, fault: Fault, times?: number): () => void
  /** Requests of a verb so far. */
  count(verb: string, plural?: string): number
  /** Watches open now. */
  watches(): number
  /** Open watches hear nothing any more; new ones do. */
  freezeWatches(): void
  expireWatches(): void
  garbleWatches(): void
  endWatches(): void
  /** Every version before now is too old, for watches and for pages. */
  compact(): void
  cutConnections(): void
  /** While false, nothing is accepted at the address. */
  setListening(listening: boolean): Promise<void>
  connections(): number
  close(): Promise<void>
}

const adminToken = 'admin-token'
/** A Kubernetes API server on loopback: the calls that Mooring makes, and faults on demand. */
export async function startFakeKubernetes(options: FakeKubernetesOptions = {}): Promise<FakeKubernetes> {
  const store = createStore()
  const kinds = createKinds()
  const follow = createLifecycle(store, kinds, () => objects)
  const objects = createObjects(store, () => new Date(), randomUUID, follow)
  const users = new Map<string, User>([[adminToken, { name: 'admin', rules: everything }]])
  const requests = createRequests({
    store,
    kinds,
    objects,
    users,
    bookmarkMs: options.bookmarkMs ?? 60_000,
  })
  const sockets = new Set<Socket>()
  const server = createServer(requests.answer)
  server.keepAliveTimeout = 90_000
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  const listen = (port: number) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', () => {
        server.off('error', reject)
        resolve()
      })
    })
  await listen(options.port ?? 0)
  const { port } = server.address() as AddressInfo
  const address = `http://127.0.0.1:${port}`
  const cutConnections = () => {
    for (const socket of sockets) socket.destroy()
  }
  const stopListening = () =>
    new Promise<void>((resolve) => {
      if (!server.listening) return resolve()
      server.close(() => resolve())
      cutConnections()
    })

  const fake: FakeKubernetes = {
    address,
    store,
    requests: requests.seen,
    users,
    adminToken,
    kubeconfig: (token = adminToken, namespace = 'default') => kubeconfig(address, token, namespace),
    create(object) {
      const [group = '', version = ''] = String(object.apiVersion).includes('/')
        ? String(object.apiVersion).split('/')
        : ['', String(object.apiVersion)]
      const kind = [namespaceKind, crdKind, ...kinds.namespaced()].find(
        (one) => one.group === group && one.kind === object.kind,
      )
      const served = kind && kinds.find(group, version, kind.plural)
      if (!served)
        throw new Error(`the double does not serve ${String(object.kind)} of ${String(object.apiVersion)}`)
      const given = asRecord(object.metadata).namespace
      const namespace = served.namespaced ? String(given ?? 'default') : undefined
      return objects.create({ kind: served, namespace }, object, 'admin')
    },
    createNamespace(name) {
      fake.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
    },
    addUser: (token, user) => users.set(token, user),
    fail: (matches, fault, times = 1) => requests.fail(matches, fault, times),
    count: (verb, plural) =>
      requests.seen.filter(
        (request) => request.verb === verb && (plural === undefined || request.plural === plural),
      ).length,
    watches: () => requests.watches.size,
    freezeWatches() {
      for (const stream of requests.watches) stream.freeze()
    },
    expireWatches() {
      for (const stream of [...requests.watches]) stream.expire()
    },
    garbleWatches() {
      for (const stream of requests.watches) stream.garble()
    },
    endWatches() {
      for (const stream of [...requests.watches]) stream.end()
    },
    compact() {
      store.compact()
      requests.forgetPages()
    },
    cutConnections,
    async setListening(listening) {
      if (listening && !server.listening) await listen(port)
      if (!listening) await stopListening()
    },
    connections: () => sockets.size,
    close: stopListening,
  }
  for (const name of ['default', 'kube-system']) fake.createNamespace(name)
  return fake
}

function kubeconfig(address: string, token: string, namespace: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'fake',
    clusters: [{ name: 'fake', cluster: { server: address, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'fake', user: { token } }],
    contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'fake', namespace } }],
  })
}

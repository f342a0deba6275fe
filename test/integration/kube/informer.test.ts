import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { KubernetesApi } from '../../../src/kube/api.ts'
import { type Informer, type InformerOptions, startInformer } from '../../../src/kube/informer.ts'
import type { Clock } from '../../../src/lib/clock.ts'
import { silentLog } from '../../../src/lib/log.ts'
import { aWidget, widgetDefinition, widgets } from '../../builders/widgets.ts'
import { type FakeKubernetes, startFakeKubernetes } from '../../fakes/kubernetes/fake-kubernetes.ts'
import { connectTo } from '../../helpers/kubernetes-servers.ts'
import { quickClock } from '../../helpers/quick-clock.ts'
import { writeTemporaryFile } from '../../helpers/temporary-directory.ts'

let kubernetes: FakeKubernetes
const closing: (() => Promise<void>)[] = []

beforeEach(async () => {
  kubernetes = await startFakeKubernetes()
})
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
  await kubernetes.close()
})

async function connect(token?: string): Promise<KubernetesApi> {
  const connection = await connectTo(writeTemporaryFile('kubeconfig', kubernetes.kubeconfig(token)))
  closing.unshift(connection.close)
  return connection.api
}

/** Its seconds are hundredths of one; what a test waits for is said by a condition. */
async function inform(
  options: Partial<InformerOptions> & { token?: string; speed?: number } = {},
): Promise<Informer & { changes: string[] }> {
  const { token, speed = 100, ...rest } = options
  const clock: Clock = quickClock(speed)
  const informer = startInformer({
    api: await connect(token),
    resource: widgets,
    namespaces: 'all',
    clock,
    random: () => 0.5,
    log: silentLog,
    ...rest,
  })
  closing.unshift(informer.close)
  const changes: string[] = []
  informer.onChange(({ namespace, name }) => changes.push(`${namespace}/${name}`))
  return { ...informer, changes }
}

const define = () => kubernetes.create(widgetDefinition())
const put = (name: string, namespace = 'default') => kubernetes.create(aWidget(namespace, name))
const names = (informer: Informer) => informer.list().map(({ metadata }) => metadata.name)
const untilNames = (informer: Informer, expected: readonly string[]) =>
  vi.waitFor(() => expect(names(informer).sort()).toEqual([...expected].sort()), 5000)
const untilWatching = (count = 1) => vi.waitFor(() => expect(kubernetes.watches()).toBe(count), 5000)
const untilComplete = (informer: Informer) =>
  vi.waitFor(() => expect(informer.state().complete).toBe(true), 5000)

describe('an informer', () => {
  it('reads a long list in pages, at one version, and tells of each object', async () => {
    define()
    for (let index = 0; index < 1201; index += 1) put(`widget-${index}`)
    const informer = await inform()
    await informer.synced()
    expect(informer.list()).toHaveLength(1201)
    expect(new Set(informer.changes).size).toBe(1201)
    expect(kubernetes.count('list', 'widgets')).toBe(3)
  })

  it('goes on from the last version after a cut, without a list', async () => {
    define()
    put('one')
    const informer = await inform()
    await informer.synced()
    await untilWatching()
    kubernetes.cutConnections()
    put('two')
    await untilNames(informer, ['one', 'two'])
    await untilComplete(informer)
    expect(kubernetes.count('list', 'widgets')).toBe(1)
  })

  it('goes on when the API server ends the watch', async () => {
    define()
    const informer = await inform()
    await informer.synced()
    for (const name of ['one', 'two', 'three']) {
      await untilWatching()
      kubernetes.endWatches()
      put(name)
      await untilNames(informer, ['one', 'two', 'three'].slice(0, informer.changes.length || 1))
    }
    await untilNames(informer, ['one', 'two', 'three'])
    expect(kubernetes.count('list', 'widgets')).toBe(1)
  })

  it('lists again when its version is too old, and notices what went meanwhile', async () => {
    define()
    put('stays')
    put('goes')
    const informer = await inform()
    await informer.synced()
    await untilWatching()
    await kubernetes.setListening(false)
    const admin = kubernetes.store
    admin.remove('contract.mooring.dev/widgets', 'default/goes')
    kubernetes.compact()
    informer.changes.length = 0
    await kubernetes.setListening(true)
    await untilNames(informer, ['stays'])
    expect(informer.changes).toEqual(['default/goes'])
    expect(kubernetes.count('list', 'widgets')).toBe(2)
  })

  it('lists again after an error in the stream, and after what is no event', async () => {
    define()
    const informer = await inform()
    await informer.synced()
    await untilWatching()
    kubernetes.expireWatches()
    await vi.waitFor(() => expect(kubernetes.count('list', 'widgets')).toBe(2), 5000)
    await untilWatching()
    kubernetes.garbleWatches()
    await vi.waitFor(() => expect(kubernetes.count('list', 'widgets')).toBe(3), 5000)
    put('after')
    await untilNames(informer, ['after'])
    await untilComplete(informer)
  })

  it('keeps what it saw while the API server is away, and says since when', async () => {
    define()
    put('one')
    const informer = await inform()
    await informer.synced()
    await untilWatching()
    await kubernetes.setListening(false)
    await vi.waitFor(() => expect(informer.state().complete).toBe(false), 5000)
    const { problem, hasSynced, asOfMs } = informer.state()
    expect(hasSynced).toBe(true)
    expect(problem?.error.reason).toBe('KubernetesUnreachable')
    expect(asOfMs).toBeLessThanOrEqual(problem?.sinceMs ?? 0)
    const failures = vi.waitFor(
      () => expect(informer.state().problem?.error.message).toContain('nothing listens'),
      5000,
    )
    await failures
    expect(informer.state().problem?.sinceMs).toBe(problem?.sinceMs)
    expect(names(informer)).toEqual(['one'])
    await kubernetes.setListening(true)
    await untilComplete(informer)
  })

  it('notices a connection on which nothing comes any more', async () => {
    define()
    const informer = await inform({ speed: 500 })
    await informer.synced()
    await untilWatching()
    kubernetes.freezeWatches()
    put('unseen')
    await untilNames(informer, ['unseen'])
    expect(informer.state().complete).toBe(true)
    expect(kubernetes.count('list', 'widgets')).toBe(1)
  })

  it('waits for a kind that is not served', async () => {
    const informer = await inform()
    await vi.waitFor(() => expect(informer.state().problem).toBeDefined(), 5000)
    expect(informer.state().problem?.error.message).toBe(
      'list widgets.contract.mooring.dev: the API server does not serve Widget of contract.mooring.dev/v1 (is its CRD installed?)',
    )
    expect(informer.state()).toMatchObject({ hasSynced: false, complete: false })
    define()
    put('one')
    await informer.synced()
    expect(names(informer)).toEqual(['one'])
    await untilComplete(informer)
  })

  it('waits for the right to list, and names it', async () => {
    define()
    put('one')
    kubernetes.addUser('operator', { name: 'operator', rules: [] })
    const informer = await inform({ token: 'operator' })
    await vi.waitFor(() => expect(informer.state().problem).toBeDefined(), 5000)
    expect(informer.state().problem?.error.message).toContain(
      'User "operator" cannot list resource "widgets" in API group "contract.mooring.dev" at the cluster scope',
    )
    kubernetes.addUser('operator', {
      name: 'operator',
      rules: [{ apiGroups: ['contract.mooring.dev'], resources: ['widgets'], verbs: ['list', 'watch'] }],
    })
    await untilNames(informer, ['one'])
    await untilComplete(informer)
  })

  it('needs rights in its namespaces alone, and is as complete as the worst of them', async () => {
    define()
    for (const namespace of ['alpha', 'beta', 'gamma']) {
      kubernetes.createNamespace(namespace)
      put(`of-${namespace}`, namespace)
    }
    const rule = { apiGroups: ['*'], resources: ['widgets'], verbs: ['list', 'watch'] }
    kubernetes.addUser('operator', { name: 'operator', rules: [{ ...rule, namespaces: ['alpha'] }] })
    const informer = await inform({ token: 'operator', namespaces: ['alpha', 'beta'] })
    await untilNames(informer, ['of-alpha'])
    await vi.waitFor(() => expect(informer.state().problem?.error.message).toContain('"beta"'), 5000)
    expect(informer.state().hasSynced).toBe(false)
    kubernetes.addUser('operator', {
      name: 'operator',
      rules: [{ ...rule, namespaces: ['alpha', 'beta'] }],
    })
    await informer.synced()
    await untilComplete(informer)
    expect(names(informer).sort()).toEqual(['of-alpha', 'of-beta'])
    expect(informer.get('beta', 'of-beta')?.metadata.namespace).toBe('beta')
    expect(informer.get('gamma', 'of-gamma')).toBeUndefined()
  })

  it('comes back no sooner than a busy API server asks', async () => {
    define()
    kubernetes.fail(({ verb }) => verb === 'list', { code: 429, retryAfterSeconds: 20 })
    const informer = await inform({ speed: 20 })
    await vi.waitFor(() => expect(informer.state().problem).toBeDefined(), 5000)
    expect(informer.state().problem?.error).toMatchObject({ kind: 'waiting', retryAfterMs: 20_000 })
    const sinceMs = informer.state().problem?.sinceMs ?? 0
    await informer.synced()
    expect(informer.state().asOfMs).toBeGreaterThanOrEqual(sinceMs + 20_000)
  })

  it('starts over when a page fails, and never shows half a list', async () => {
    define()
    for (let index = 0; index < 700; index += 1) put(`widget-${index}`)
    let lists = 0
    kubernetes.fail(
      ({ verb }) => {
        if (verb === 'list') lists += 1
        return verb === 'list' && lists === 2
      },
      { code: 500 },
    )
    const informer = await inform()
    const seen: number[] = []
    informer.onChange(() => seen.push(informer.list().length))
    await informer.synced()
    expect(new Set(seen)).toEqual(new Set([700]))
    expect(kubernetes.count('list', 'widgets')).toBe(4)
  })

  it('outlives its listeners', async () => {
    define()
    const informer = await inform()
    informer.onChange(() => {
      throw new Error('a listener that fails')
    })
    const seen: string[] = []
    informer.onChange(({ name }) => seen.push(name))
    await informer.synced()
    put('one')
    await untilNames(informer, ['one'])
    put('two')
    await untilNames(informer, ['one', 'two'])
    expect(seen).toEqual(['one', 'two'])
  })

  it('shows what its own process wrote before the watch brings it, and nothing that has gone', async () => {
    define()
    const informer = await inform()
    await informer.synced()
    await untilWatching()
    kubernetes.freezeWatches()
    const written = put('own')
    informer.remember(written)
    expect(informer.get('default', 'own')?.metadata.uid).toBe(written.metadata.uid)

    const other = await inform()
    await other.synced()
    await untilWatching(2)
    const short = put('short')
    await untilNames(other, ['own', 'short'])
    kubernetes.store.remove('contract.mooring.dev/widgets', 'default/short')
    await untilNames(other, ['own'])
    other.remember(short)
    expect(names(other)).toEqual(['own'])
  })

  it('leaves nothing open, and rejects who waits for the first list', async () => {
    const informer = await inform()
    const waiting = expect(informer.synced()).rejects.toThrow(/has ended/)
    await informer.close()
    await waiting
    define()
    const second = await inform()
    await second.synced()
    await untilWatching()
    await second.close()
    await untilWatching(0)
    // Ended before its watch is open.
    const third = await inform()
    await third.synced()
    await third.close()
    await untilWatching(0)
  })
})

import { describe, expect, it, vi } from 'vitest'
import { parseMetrics } from '../../../helpers/metrics-text.ts'
import type { MooringProcess } from '../../../helpers/mooring-process.ts'
import { runMooring } from '../../../helpers/run-mooring.ts'
import { shortLease, startKubernetes, startNomad, volumeSpec } from '../../../helpers/start-kubernetes.ts'

const waiting = { timeout: 30_000, interval: 50 }

/** Whoever leads is the one that said so last. */
const leads = (operator: MooringProcess) =>
  vi.waitFor(() => {
    expect(operator.log.findLast(({ msg }) => msg === 'leads' || msg === 'leads no more')?.msg).toBe('leads')
  }, waiting)

describe('replicas', () => {
  it('go on where a killed leader was, and a paused one does nothing more: one external volume each', async () => {
    const kube = await startKubernetes()
    const first = kube.startOperator(...shortLease)
    await leads(first)
    const second = kube.startOperator(...shortLease)
    const names = Array.from({ length: 12 }, (_, index) => `v${index}`)
    const declare = (some: readonly string[]) =>
      Promise.all(some.map((name) => kube.apply('Volume', name, volumeSpec({ deletionPolicy: 'Delete' }))))
    await declare(names.slice(0, 4))
    // In the middle of its work.
    await first.logged(({ step }) => step === 'create-volume', 'a create')
    first.signal('SIGKILL')
    await leads(second)
    for (const name of names.slice(0, 4)) await kube.settled('Volume', name, 'AsDeclared')

    const third = kube.startOperator(...shortLease)
    await declare(names.slice(4, 8))
    second.signal('SIGSTOP')
    await leads(third)
    await declare(names.slice(8))
    for (const name of names) await kube.settled('Volume', name, 'AsDeclared')
    second.signal('SIGCONT')
    await second.logged(({ msg }) => msg === 'leads no more', 'the paused one gives up')
    await kube.apply('Volume', 'after', volumeSpec())
    await kube.settled('Volume', 'after', 'AsDeclared')
    expect(kube.nomad.directories()).toHaveLength(13)
    expect(new Set((await kube.nomad.list()).map(({ ExternalID }) => ExternalID)).size).toBe(13)
  })
})

describe('NomadClusters', () => {
  it('are worked for each on its own, and stay while they are used', async () => {
    const kube = await startKubernetes()
    const far = await startNomad()
    const operator = kube.startOperator('--metrics-addr', '127.0.0.1:0')
    const ask = (...words: string[]) => runMooring([...words, '--data-dir', operator.dataDirectory])
    await kube.apply('Volume', 'lost', volumeSpec({ cluster: 'nowhere' }))
    await kube.apply('NomadCluster', 'away', { address: 'http://127.0.0.1:9' })
    await kube.apply('NomadCluster', 'far', { address: far.url })
    await kube.apply('Volume', 'near', volumeSpec())
    await kube.apply('Volume', 'remote', volumeSpec({ cluster: 'far', deletionPolicy: 'Delete' }))
    await kube.apply('Volume', 'stalled', volumeSpec({ cluster: 'away' }))
    await kube.settled('Volume', 'near', 'AsDeclared')
    await kube.settled('Volume', 'remote', 'AsDeclared')
    await kube.settled('Volume', 'lost', 'ClusterNotFound')
    await kube.settled('NomadCluster', 'far', 'Reached')
    await kube.settled('Volume', 'stalled', 'NomadUnreachable')
    expect((await kube.nomad.list()).map(({ ID }) => ID)).toEqual(['near'])
    expect((await far.list()).map(({ ID }) => ID)).toEqual(['remote'])

    const { rows } = JSON.parse((await ask('status', '-o', 'json')).stdout)
    const shown = rows.map((row: { cluster?: string; name: string }) => [row.cluster, row.name])
    expect(shown).toEqual(
      expect.arrayContaining([
        [undefined, 'default/near'],
        ['far', 'default/remote'],
        ['away', 'default/stalled'],
      ]),
    )
    expect(await ask('suspend', 'volume', 'remote', '--cluster', 'far')).toMatchObject({ status: 0 })
    await kube.settled('Volume', 'remote', 'Suspended')
    expect(await ask('resume', 'volume', 'remote', '--cluster', 'far')).toMatchObject({ status: 0 })
    await kube.settled('Volume', 'remote', 'AsDeclared')
    expect((await ask('orphans', '--cluster', 'nowhere')).stderr).toContain('no NomadCluster "nowhere"')
    const { url } = await operator.logged(({ msg }) => msg === 'metrics listen', 'metrics')
    const { samples } = parseMetrics(await (await fetch(String(url))).text())
    const ready = 'mooring_objects{kind="Volume",condition="Ready",reason="AsDeclared"'
    expect([samples.get(`${ready}}`), samples.get(`${ready},cluster="far"}`)]).toEqual([1, 1])

    await kube.remove('NomadCluster', 'far')
    await kube.settled('NomadCluster', 'far', 'InUse')
    await kube.remove('Volume', 'remote')
    await kube.gone('Volume', 'remote')
    await kube.gone('NomadCluster', 'far')
    expect(await far.list()).toEqual([])
  })
})

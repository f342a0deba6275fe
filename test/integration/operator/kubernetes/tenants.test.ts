import { describe, expect, it, vi } from 'vitest'
import type { KubernetesObject } from '../../../../src/kube/api.ts'
import { events } from '../../../../src/kube/resources.ts'
import { runMooring } from '../../../helpers/run-mooring.ts'
import { startKubernetes, statusOf, volumeSpec } from '../../../helpers/start-kubernetes.ts'

const waiting = { timeout: 30_000, interval: 50 }
const { capacity: _, ...registered } = volumeSpec()

/** Kubernetes namespaces team-a and team-b, each with the Nomad namespace of its name. */
async function startTenants() {
  const kube = await startKubernetes()
  kube.fake.createNamespace('team-b')
  for (const Name of ['team-a', 'team-b']) {
    const answer = await fetch(`${kube.nomad.url}/v1/namespace/${Name}`, {
      method: 'PUT',
      body: JSON.stringify({ Name }),
    })
    expect(answer.status).toBe(200)
  }
  return {
    ...kube,
    start: (...flags: readonly string[]) =>
      kube.startOperator(
        '--namespace-mapping',
        'team-a=team-a',
        '--namespace-mapping',
        'team-b=team-b',
        ...flags,
      ),
    /** The volume of team-a, and a snapshot of it. */
    async secretsOfTeamA() {
      await kube.apply('Volume', 'data', volumeSpec())
      const { externalID = '', name = '' } = statusOf(await kube.settled('Volume', 'data', 'AsDeclared'))
      await kube.apply('Snapshot', 'good', { volume: 'data' })
      const { snapshotID = '' } = statusOf(await kube.settled('Snapshot', 'good', 'ReadyToUse'))
      return { externalID, name, snapshotID }
    },
    ofTeamB: async () =>
      (await kube.nomad.list()).filter(({ Namespace }) => Namespace === 'team-b').map(({ ID }) => ID),
    refused: async (name: string, flag: string) => {
      const object: KubernetesObject = await kube.settled('Volume', name, 'ExternalIDNotAllowed', 'team-b')
      expect(kube.messageOf(object)).toContain(flag)
    },
    eventsIn: async (namespace: string) =>
      (await kube.api.list(events, { namespace })).items.map(
        ({ reason, message }) => `${reason}: ${message}`,
      ),
  }
}

describe('a namespaced object and what belongs to another namespace', () => {
  it('gets neither the volume, nor the snapshot, nor the name of another team, unless an administrator allows it', async () => {
    const kube = await startTenants()
    const operator = kube.start()
    const { externalID, name, snapshotID } = await kube.secretsOfTeamA()
    const wanted: readonly [string, string, Readonly<Record<string, unknown>>][] = [
      ['mine-now', externalID, { ...registered, externalID, deletionPolicy: 'Delete' }],
      ['copied', snapshotID, volumeSpec({ source: { snapshotID } })],
      ['cloned', externalID, volumeSpec({ source: { cloneID: externalID } })],
      ['same-name', name, volumeSpec({ name, deletionPolicy: 'Delete' })],
    ]
    for (const [object, , spec] of wanted) await kube.apply('Volume', object, spec, 'team-b')
    for (const [object, id] of wanted) {
      await kube.refused(object, `--allow-external-ids team-b=directories/${id}`)
    }
    for (const [object] of wanted) await kube.remove('Volume', object, 'team-b')
    for (const [object] of wanted) await kube.gone('Volume', object, 'team-b')
    expect(await kube.ofTeamB()).toEqual([])
    expect(kube.nomad.directories()).toEqual([name])
    expect(await kube.storedSnapshots()).toHaveLength(1)
    operator.signal('SIGTERM')
    expect(await operator.exited()).toBe(0)

    kube.start('--allow-external-ids', `team-b=directories/${snapshotID.slice(0, 4)}*`)
    for (const [object, , spec] of wanted.slice(0, 2)) await kube.apply('Volume', object, spec, 'team-b')
    await kube.settled('Volume', 'copied', 'AsDeclared', 'team-b')
    await kube.refused('mine-now', '--allow-external-ids')
  })

  it('is not restored from a snapshot of another team, by whatever order', async () => {
    const kube = await startTenants()
    const operator = kube.start()
    const { snapshotID } = await kube.secretsOfTeamA()
    await kube.apply('Volume', 'own', volumeSpec(), 'team-b')
    const { externalID = '' } = statusOf(await kube.settled('Volume', 'own', 'AsDeclared', 'team-b'))
    await kube.annotate(
      'Volume',
      'own',
      { 'mooring.dev/restore-from': `${snapshotID}@${externalID}` },
      'team-b',
    )
    await vi.waitFor(
      async () =>
        expect(await kube.eventsIn('team-b')).toContainEqual(
          expect.stringMatching(/^RestoreRefused: .*--allow-external-ids team-b=directories\//),
        ),
      waiting,
    )
    expect(statusOf(await kube.find('Volume', 'own', 'team-b')).externalID).toBe(externalID)

    await kube.apply('Snapshot', 'before', { volume: 'own' }, 'team-b')
    const { snapshotID: ownSnapshot } = statusOf(
      await kube.settled('Snapshot', 'before', 'ReadyToUse', 'team-b'),
    )
    await kube.annotate(
      'Volume',
      'own',
      { 'mooring.dev/restore-from': `${ownSnapshot}@${externalID}` },
      'team-b',
    )
    await vi.waitFor(
      async () =>
        expect(statusOf(await kube.find('Volume', 'own', 'team-b')).externalID).not.toBe(externalID),
      waiting,
    )
    await kube.apply('Volume', 'copy', volumeSpec({ source: { snapshotID: ownSnapshot } }), 'team-b')
    await kube.settled('Volume', 'copy', 'AsDeclared', 'team-b')
    const described = await runMooring(['describe', 'team-b/own', '--data-dir', operator.dataDirectory])
    expect(described.stdout).toMatch(
      /Orders, newest first:\n {2}\S+ {2}restore {2}by mooring \(annotation mooring\.dev\/restore-from\)\n {4}ordered: Volume\/team-b\/own is to be restored/,
    )
  })

  it('stays usable where it names what Nomad has for it already, without an inventory', async () => {
    const kube = await startTenants()
    const operator = kube.start()
    await kube.apply('Volume', 'own', volumeSpec(), 'team-b')
    const { externalID } = statusOf(await kube.settled('Volume', 'own', 'AsDeclared', 'team-b'))
    await kube.remove('Volume', 'own', 'team-b')
    await kube.gone('Volume', 'own', 'team-b')
    operator.signal('SIGTERM')
    expect(await operator.exited()).toBe(0)

    kube.start('--instance', 'another')
    await kube.apply('Volume', 'own', { ...registered, externalID }, 'team-b')
    await kube.settled('Volume', 'own', 'AsDeclared', 'team-b')
    expect(await kube.ofTeamB()).toEqual(['own'])
  })

  it('may name in a NomadCluster what its object allows, and not before', async () => {
    const kube = await startTenants()
    kube.start()
    const { snapshotID } = await kube.secretsOfTeamA()
    await kube.apply('NomadCluster', 'far', { address: kube.nomad.url })
    await kube.settled('NomadCluster', 'far', 'Reached')
    await kube.apply('Volume', 'copy', volumeSpec({ cluster: 'far', source: { snapshotID } }), 'team-b')
    await kube.refused('copy', 'NomadCluster "far", with spec.allowExternalIDs: {team-b: ["directories/')
    await kube.apply('NomadCluster', 'far', {
      address: kube.nomad.url,
      allowExternalIDs: { 'team-b': [`directories/${snapshotID}`] },
    })
    await kube.settled('Volume', 'copy', 'AsDeclared', 'team-b')
  })
})

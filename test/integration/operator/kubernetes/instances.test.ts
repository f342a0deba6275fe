import { describe, expect, it, vi } from 'vitest'
import { startKubernetes, statusOf, volumeSpec } from '../../../helpers/start-kubernetes.ts'

const waiting = { timeout: 30_000, interval: 50 }

describe('an object with perAlloc', () => {
  it('stands for several volumes, in its status, by its count, and at its end', async () => {
    const kube = await startKubernetes()
    kube.startOperator('--prune-delay', '200ms')
    const instancesOf = async () => statusOf(await kube.find('Volume', 'set')).instances ?? []
    const apply = (count: number, whenScaled: string) =>
      kube.apply('Volume', 'set', volumeSpec({ deletionPolicy: 'Delete', perAlloc: { count, whenScaled } }))
    await apply(3, 'Retain')
    const made = await kube.settled('Volume', 'set', 'AsDeclared')
    expect(made.metadata.finalizers).toEqual(['mooring.dev/end'])
    expect(await instancesOf()).toMatchObject([
      { index: 0, volumeID: 'set[0]', ready: 'True', capacity: '1Mi' },
      { index: 1, volumeID: 'set[1]', ready: 'True', capacity: '1Mi' },
      { index: 2, volumeID: 'set[2]', ready: 'True', capacity: '1Mi' },
    ])
    expect((await kube.nomad.list()).map(({ ID }) => ID)).toEqual(['set[0]', 'set[1]', 'set[2]'])

    const countBecomes = (count: number) =>
      vi.waitFor(async () => expect(await instancesOf()).toHaveLength(count), waiting)
    await apply(2, 'Retain')
    await countBecomes(2)
    expect(kube.nomad.directories()).toHaveLength(3)
    await apply(1, 'Delete')
    await countBecomes(1)
    await kube.settled('Volume', 'set', 'AsDeclared')
    expect(kube.nomad.directories().map((name) => name.slice(0, 6))).toEqual(['set-0-', 'set-2-'])

    await kube.remove('Volume', 'set')
    await kube.gone('Volume', 'set')
    expect(kube.nomad.directories().map((name) => name.slice(0, 6))).toEqual(['set-2-'])
    const reasons = await kube.reasonsOfEvents()
    expect(reasons.filter((reason) => reason === 'CreateVolume')).toHaveLength(3)
  })

  it('lets everything be with Retain, and restores the one volume that an annotation names', async () => {
    const kube = await startKubernetes()
    kube.startOperator()
    await kube.apply('Volume', 'set', volumeSpec({ perAlloc: { count: 2 } }))
    const before = statusOf(await kube.settled('Volume', 'set', 'AsDeclared')).instances ?? []
    await vi.waitFor(async () => {
      expect((await kube.find('Volume', 'set'))?.metadata.finalizers ?? []).toEqual([])
    }, waiting)
    await kube.apply('Snapshot', 'good', { volume: 'set[1]' })
    await kube.settled('Snapshot', 'good', 'ReadyToUse')
    await kube.annotate('Volume', 'set', {
      'mooring.dev/restore-from': `good@${before[1]?.externalID}`,
      'mooring.dev/reconcile-at': 'now',
    })
    await vi.waitFor(async () => {
      const status = statusOf(await kube.find('Volume', 'set'))
      expect(status.instances).toMatchObject([
        { externalID: before[0]?.externalID, ready: 'True' },
        { externalID: expect.stringMatching(/-r1$/), ready: 'True' },
      ])
      expect(status).toMatchObject({ lastHandledReconcileAt: 'now' })
    }, waiting)
    expect(kube.nomad.directories()).toHaveLength(3)

    await kube.remove('Volume', 'set')
    await kube.gone('Volume', 'set')
    expect(kube.nomad.directories()).toHaveLength(3)
    expect((await kube.nomad.list()).map(({ ID }) => ID)).toEqual(['set[0]', 'set[1]'])
  })
})

import { expect, it, vi } from 'vitest'
import type { HostVolumeStub } from '../../../../src/wire/host-volume.ts'
import { startKubernetes, statusOf } from '../../../helpers/start-kubernetes.ts'

it('a host volume is made for an object, says where it is, comes back by an annotation, and ends with the object', async () => {
  const kube = await startKubernetes()
  kube.startOperator()
  const listed = async () =>
    (await (await fetch(`${kube.nomad.url}/v1/volumes?type=host`)).json()) as readonly HostVolumeStub[]
  const spec = { pluginID: 'mkdir', capacity: { min: '1Mi' }, deletionPolicy: 'Delete' }
  await kube.apply('HostVolume', 'cache', spec)
  const object = await kube.settled('HostVolume', 'cache', 'AsDeclared')
  const [volume] = await listed()
  expect(volume).toMatchObject({ Name: 'cache' })
  expect(object.status).toMatchObject({
    name: 'cache',
    volumeID: volume?.ID,
    nodeID: volume?.NodeID,
    claims: [],
  })
  expect(object.metadata.finalizers).toEqual(['mooring.dev/end'])

  await fetch(`${kube.nomad.url}/v1/volume/host/${volume?.ID}`, { method: 'DELETE' })
  await kube.settled('HostVolume', 'cache', 'HostVolumeVanished')
  await kube.annotate('HostVolume', 'cache', { 'mooring.dev/recreate': volume?.ID ?? '' })
  const again = await kube.settled('HostVolume', 'cache', 'AsDeclared')
  expect(statusOf(again)).not.toMatchObject({ volumeID: volume?.ID })

  await kube.remove('HostVolume', 'cache')
  await kube.gone('HostVolume', 'cache')
  await vi.waitFor(async () => expect(await listed()).toEqual([]), { timeout: 10_000 })
}, 90_000)

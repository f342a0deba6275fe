import { readFileSync } from 'node:fs'
import { load } from 'js-yaml'
import { expect, it, vi } from 'vitest'
import type { KubernetesObject } from '../../../../src/kube/api.ts'
import { startKubernetes, statusOf, volumeSpec } from '../../../helpers/start-kubernetes.ts'

const waiting = { timeout: 30_000, interval: 50 }

interface Definition {
  readonly spec: {
    readonly versions: readonly {
      readonly additionalPrinterColumns: readonly { readonly name: string; readonly jsonPath: string }[]
    }[]
  }
}

/** What `kubectl get -o wide` shows of the object, by its CRD; undefined: a blank. */
function columnsOf(plural: string, object: KubernetesObject): Record<string, unknown> {
  const definition = load(readFileSync(`manifests/crds/${plural}.yaml`, 'utf8')) as Definition
  const columns = definition.spec.versions.flatMap((version) => version.additionalPrinterColumns)
  return Object.fromEntries(columns.map(({ name, jsonPath }) => [name, valueAt(object, jsonPath)]))
}

/** Of the paths that the CRDs have: fields, and conditions by their type. */
function valueAt(object: KubernetesObject, path: string): unknown {
  const [, type, field] = /^\.status\.conditions\[\?\(@\.type=="(\w+)"\)\]\.(\w+)$/.exec(path) ?? []
  if (type !== undefined && field !== undefined) {
    const condition = statusOf(object).conditions?.find((each) => each.type === type)
    return condition && Reflect.get(condition, field)
  }
  return path
    .slice(1)
    .split('.')
    .reduce<unknown>(
      (value, name) => (typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined),
      object,
    )
}

const blanksOf = (plural: string, object: KubernetesObject) =>
  Object.entries(columnsOf(plural, object)).flatMap(([name, value]) =>
    value === undefined || value === '' ? [name] : [],
  )

it('the printer columns are filled, and what cannot be read of a volume is named', async () => {
  const kube = await startKubernetes()
  kube.startOperator()
  await kube.apply('NomadCluster', 'near', { address: kube.nomad.url })
  const cluster = await kube.settled('NomadCluster', 'near', 'Reached')
  expect(cluster.status).toMatchObject({ region: 'global', version: expect.stringMatching(/^\d+\.\d+\.\d+/) })
  expect(blanksOf('nomadclusters', cluster)).toEqual([])

  await kube.apply('Volume', 'data', volumeSpec({ cluster: 'near' }))
  expect(blanksOf('volumes', await kube.settled('Volume', 'data', 'AsDeclared'))).toEqual([])
  await kube.apply('Snapshot', 'good', { volume: 'data', cluster: 'near' })
  const snapshot = await kube.settled('Snapshot', 'good', 'ReadyToUse')
  expect(blanksOf('snapshots', snapshot)).toEqual([])
  const takenAtMs = Date.parse(String(columnsOf('snapshots', snapshot).Taken))
  expect(Math.abs(takenAtMs - Date.parse(snapshot.metadata.creationTimestamp ?? ''))).toBeLessThan(60_000)
  const yearly = { schedule: '0 0 1 1 *', timeZone: 'UTC', suspend: false, cluster: 'near' }
  await kube.apply('SnapshotSchedule', 'yearly', { ...yearly, volumes: { names: ['data'] } })
  const schedule = await kube.settled('SnapshotSchedule', 'yearly', 'Scheduled')
  expect(blanksOf('snapshotschedules', schedule)).toEqual(['Last'])

  // Registered with secrets by somebody else, which Nomad never shows.
  const { status } = await fetch(`${kube.nomad.url}/v1/volume/csi/foreign/create`, {
    method: 'PUT',
    body: JSON.stringify({
      Volumes: [
        {
          ID: 'foreign',
          Name: 'foreign',
          PluginID: 'directories',
          RequestedCapabilities: [{ AccessMode: 'single-node-writer', AttachmentMode: 'file-system' }],
          Secrets: { password: 'hunter2' },
        },
      ],
    }),
  })
  expect(status).toBe(200)
  await kube.apply('Volume', 'foreign', volumeSpec({ cluster: 'near' }))
  await vi.waitFor(async () => {
    expect((await kube.find('Volume', 'foreign'))?.status).toMatchObject({ unreadable: ['spec.secrets'] })
  }, waiting)
})

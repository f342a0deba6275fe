import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { load, loadAll } from 'js-yaml'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import type { AppliedObject, KubernetesApi } from '../../../src/kube/api.ts'
import { createEventWriter } from '../../../src/kube/event-writer.ts'
import { secrets, snapshotSchedules, snapshots, volumes } from '../../../src/kube/resources.ts'
import { createSecretReader } from '../../../src/kube/secret-reader.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { silentLog } from '../../../src/lib/log.ts'
import { type FakeKubernetes, startFakeKubernetes } from '../../fakes/kubernetes/fake-kubernetes.ts'
import { asRecord } from '../../fakes/kubernetes/json.ts'
import { connectTo } from '../../helpers/kubernetes-servers.ts'
import { writeTemporaryFile } from '../../helpers/temporary-directory.ts'

const definitions = 'manifests/crds'
const examples = 'manifests/examples'
const resources = new Map(
  [volumes, snapshots, snapshotSchedules].map((resource) => [resource.kind, resource]),
)

let kubernetes: FakeKubernetes

async function connect(token?: string): Promise<KubernetesApi> {
  const connection = await connectTo(writeTemporaryFile('config', kubernetes.kubeconfig(token)))
  onTestFinished(() => connection.close())
  return connection.api
}

beforeEach(async () => {
  kubernetes = await startFakeKubernetes()
  onTestFinished(() => kubernetes.close())
  for (const file of readdirSync(definitions)) {
    if (file === 'kustomization.yaml') continue
    kubernetes.create(asRecord(load(readFileSync(join(definitions, file), 'utf8'))))
  }
})

const documents = readdirSync(examples).flatMap((file) =>
  loadAll(readFileSync(join(examples, file), 'utf8')).map((document) => [file, asRecord(document)] as const),
)

describe('the double, under the shipped CRDs', () => {
  it.each(documents)('takes %s as it is', async (_file, document) => {
    const api = await connect()
    const resource = resources.get(String(document.kind))
    if (!resource) throw new Error(`no resource for ${String(document.kind)}`)
    const metadata = asRecord(document.metadata)
    const object = {
      ...document,
      metadata: { ...metadata, namespace: 'default' },
    } as unknown as AppliedObject
    const applied = await api.apply(resource, object, { fieldManager: 'test' })
    expect(applied.spec).toMatchObject(asRecord(document.spec))
  })

  it('refuses what they do not allow', async () => {
    const api = await connect()
    const volume = {
      apiVersion: 'mooring.dev/v1alpha1',
      kind: 'Volume',
      metadata: { name: 'data', namespace: 'default' },
      spec: { pluginID: 'p', deletionPolicy: 'Shred', capabilities: [] },
    }
    await expect(api.create(volumes, volume)).rejects.toMatchObject({
      code: 422,
      causes: expect.arrayContaining([
        expect.objectContaining({ field: 'spec.deletionPolicy', reason: 'FieldValueNotSupported' }),
      ]),
    })
  })
})

describe('rights on names and verbs', () => {
  const rule = { apiGroups: [''], namespaces: ['default'] }

  it('on one name are enough to read a Secret and to watch it', async () => {
    kubernetes.addUser('operator', {
      name: 'operator',
      rules: [{ ...rule, resources: ['secrets'], resourceNames: ['mine'], verbs: ['get', 'list', 'watch'] }],
    })
    for (const name of ['mine', 'other']) {
      const metadata = { name, namespace: 'default' }
      kubernetes.create({ apiVersion: 'v1', kind: 'Secret', metadata, data: { word: btoa(name) } })
    }
    const api = await connect('operator')
    const options = { api, clock: systemClock, random: () => 0.5, log: silentLog, onChange: () => {} }
    const reader = createSecretReader(options)
    onTestFinished(() => reader.close())
    expect(await reader.read('default', 'mine', 'word')).toBe('mine')
    await expect(reader.read('default', 'other', 'word')).rejects.toMatchObject({ code: 403 })
    await expect(api.list(secrets, { namespace: 'default' })).rejects.toMatchObject({ code: 403 })
  })

  it('to create and to patch are what an Event takes', async () => {
    kubernetes.addUser('operator', {
      name: 'operator',
      rules: [{ ...rule, resources: ['events'], verbs: ['create', 'patch'] }],
    })
    const writer = createEventWriter({
      api: await connect('operator'),
      instance: 'replica-0',
      clock: systemClock,
      log: silentLog,
    })
    const about = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'mine', namespace: 'default' } }
    writer.record(about, { type: 'Normal', reason: 'Done', message: 'told' })
    await writer.close()
    expect(kubernetes.store.list('/events')).toMatchObject([{ message: 'told' }])
  })
})

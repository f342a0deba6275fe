import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { toOperationError } from '../../src/lib/errors.ts'
import { classifyAnswer } from '../../src/nomad/error-table.ts'
import { planPluginGate } from '../../src/operator/plan/plugin-gate.ts'
import { conditionsOf } from '../../src/operator/plan/status.ts'
import { compareVolume } from '../../src/operator/plan/volume-difference.ts'
import { newVolumeRequest, updateVolumeRequest } from '../../src/operator/plan/volume-request.ts'
import { createSecretResolver } from '../../src/operator/secrets/resolve-secrets.ts'
import type { SnapshotRequest } from '../../src/wire/snapshot.ts'
import { snapshot, volume } from '../builders/declarations.ts'
import { nomadPlugin, nomadVolume } from '../builders/observed.ts'
import { volumeRecord } from '../builders/records.ts'
import { createOperatorModel } from '../helpers/operator-model.ts'

/** What users suffer elsewhere, where no other test shows it; docs/pains.md lists all. */
describe('what users suffer elsewhere', () => {
  it('a volume names the allocations that hold it (nomad#12346)', async () => {
    const model = createOperatorModel()
    model.declare(volume('data'))
    await model.rest()
    const found = model.world.volumes.get('default/data') ?? nomadVolume('data')
    model.world.volumes.set('default/data', { ...found, ReadAllocs: { r: null }, WriteAllocs: { w: null } })
    await model.run()
    expect(model.stored.get('Volume/default/data')?.status.claims).toEqual(['r', 'w'])
  })

  it.each([
    ['create', { deletionPolicy: 'Retain' }],
    ['expand', { capacity: { min: 9n } }],
    ['end', { deletionPolicy: 'Delete' }],
  ] as const)('a plugin that is away is waited for before each %s (nomad#22192)', async (what, spec) => {
    const model = createOperatorModel()
    const { observer } = model.world
    const away = () => {
      observer.plugin = async () => undefined
    }
    if (what === 'create') away()
    model.declare(volume('data', { ...spec, capacity: { min: 1n } }))
    await model.rest()
    if (what === 'expand') model.declare(volume('data', { ...spec }))
    if (what === 'end') model.remove('Volume/default/data')
    away()
    const writes = model.world.history.writes.length
    await model.rest()
    // Taking a volume out of Nomad asks no plugin, and destroys nothing.
    expect(model.world.history.writes.slice(writes).filter((each) => each !== 'deregisterVolume')).toEqual([])
    const conditions = model.stored.get('Volume/default/data')?.status.conditions
    expect(conditions?.map(({ reason }) => reason)).toContain('PluginNotFound')
  })

  it('a first refusal as in use is waited out, and alarms nobody (nomad#8609)', () => {
    const error = classifyAnswer(500, 'volume in use: data', { type: 'write', title: 'do it' })
    expect(error).toMatchObject({ kind: 'waiting', reason: 'InUse' })
    const conditions = conditionsOf({ state: 'waiting', reason: 'InUse', message: '' }, [], 0)
    expect(conditions.find(({ type }) => type === 'Stalled')?.status).toBe('False')
  })

  it('a snapshot is taken and deleted with its own name, parameters and secrets (nomad#10639, nomad#25976, democratic-csi#303)', async () => {
    const model = createOperatorModel(undefined, {}, { key: 'value' })
    const sent: SnapshotRequest[] = []
    const deletedWith: unknown[] = []
    const { createSnapshot, deleteSnapshot } = model.world.api
    model.world.api.createSnapshot = (namespace, request) => {
      sent.push(request)
      return createSnapshot(namespace, request)
    }
    model.world.api.deleteSnapshot = (pluginID, snapshotID, secrets) => {
      deletedWith.push(secrets)
      return deleteSnapshot(pluginID, snapshotID, secrets)
    }
    model.declare(volume('data'))
    const secrets = { key: { fromEnv: 'MOORING_SECRET_KEY' } }
    model.declare(
      snapshot('of-data', 'data', { parameters: { tier: 'cold' }, secrets, deletionPolicy: 'Delete' }),
    )
    await model.rest()
    model.remove('Snapshot/default/of-data')
    await model.rest()
    expect(sent).toMatchObject([
      {
        Name: expect.stringMatching(/^of-data-[0-9a-f]{10}$/),
        Parameters: { tier: 'cold' },
        Secrets: { key: 'value' },
      },
    ])
    expect(deletedWith).toEqual([{ key: 'value' }])
  })

  it('secrets come from the environment and from files, by reference and within bounds (nomad#7978)', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'mooring-secrets-'))
    onTestFinished(() => rmSync(directory, { recursive: true }))
    writeFileSync(join(directory, 'password'), 'from a file\n')
    const { resolve } = createSecretResolver({
      environment: { MOORING_SECRET_USER: 'from the environment' },
      secretsDirectory: directory,
      specificationSecrets: { get: () => undefined },
      readVariable: async () => undefined,
    })
    expect(
      await resolve(
        { user: { fromEnv: 'MOORING_SECRET_USER' }, password: { fromFile: 'password' } },
        'default',
      ),
    ).toEqual({ user: 'from the environment', password: 'from a file' })
    const refused = await resolve({ other: { fromFile: '../outside' } }, 'default').catch(toOperationError)
    expect(refused).toMatchObject({ reason: 'SecretNotFound' })
  })

  it('a plugin is judged by what its controllers say, not by the counts of Nomad (nomad#11784)', () => {
    const wrong = { ControllersHealthy: 0, ControllersExpected: 7 }
    expect(planPluginGate('p', nomadPlugin('p', {}, wrong), 'SupportsCreateDelete')).toBeUndefined()
    const gone = nomadPlugin('p', {}, { ControllersHealthy: 1, Controllers: {} })
    expect(planPluginGate('p', gone, undefined)?.verdict.reason).toBe('PluginUnavailable')
  })

  it('an operation that is pending elsewhere is waited for, and not failed (nomad#15197)', () => {
    const text =
      'controller create volume: CSI.ControllerCreateVolume: rpc error: code = Aborted desc = an operation with the given Volume ID data already exists'
    expect(classifyAnswer(500, text, { type: 'create volume', title: 'do it' }).kind).toBe('ambiguous')
  })

  it('a topology that differs is named, and what Nomad never shows is listed (terraform-provider-nomad#337)', () => {
    const { spec } = volume('data', { topology: { required: [{ rack: 'R1' }] } })
    const actual = nomadVolume('data', {
      RequestedTopologies: { Required: [{ Segments: { rack: 'R2' } }], Preferred: null },
      MountOptions: { FSType: '', MountFlags: ['[REDACTED]'] },
    })
    const record = volumeRecord(volume('data'))
    expect(compareVolume(spec, record, actual, {})).toMatchObject({
      immutable: [
        { field: 'spec.topology.required', declared: '[{"rack":"R1"}]', actual: '[{"rack":"R2"}]' },
      ],
      unreadable: ['spec.secrets', 'spec.mountOptions.mountFlags'],
    })
  })

  it('every field of a declaration reaches the request, mount flags among them (terraform-provider-nomad#260)', () => {
    const { spec } = volume('data', {
      capacity: { min: 1n, max: 2n },
      mountOptions: { fsType: 'ext4', mountFlags: ['noatime'] },
      topology: { required: [{ rack: 'R1' }], preferred: [{ rack: 'R2' }] },
      parameters: { type: 'gp3' },
      context: { bus: '7' },
    })
    const updatable = {
      ...{ ID: 'data', Namespace: 'default', PluginID: 'directories' },
      RequestedCapabilities: [{ AccessMode: 'single-node-writer', AttachmentMode: 'file-system' }],
      ...{ RequestedCapacityMin: 1, RequestedCapacityMax: 2 },
      MountOptions: { FSType: 'ext4', MountFlags: ['noatime'] },
      Context: { bus: '7' },
    }
    expect(newVolumeRequest(spec, { csiName: 'name', externalID: 'vol-1' }, { snapshotID: 's' })).toEqual({
      ...updatable,
      ...{ Name: 'name', ExternalID: 'vol-1', SnapshotID: 's', Parameters: { type: 'gp3' } },
      RequestedTopologies: {
        Required: [{ Segments: { rack: 'R1' } }],
        Preferred: [{ Segments: { rack: 'R2' } }],
      },
    })
    expect(updateVolumeRequest(spec, nomadVolume('data'))).toMatchObject(updatable)
  })

  it('what was removed while it was being created is known, and deleted, however late it comes (external-snapshotter#1388)', async () => {
    const model = createOperatorModel()
    model.declare(volume('data'))
    await model.rest()
    model.declare(snapshot('of-data', 'data', { deletionPolicy: 'Delete' }))
    model.world.failNext('lost')
    await model.run()
    expect(model.world.snapshots.size).toBe(1)
    model.remove('Snapshot/default/of-data')
    await model.rest()
    expect(model.stored.has('Snapshot/default/of-data')).toBe(false)
    expect(model.world.snapshots.size).toBe(0)
  })
})

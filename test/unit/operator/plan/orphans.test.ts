import { describe, expect, it } from 'vitest'
import { tombstoneID } from '../../../../src/operator/plan/identity.ts'
import { planOrphans } from '../../../../src/operator/plan/orphans.ts'
import { snapshot, volume } from '../../../builders/declarations.ts'
import { anExternalVolume, aSnapshot, aVolumeStub } from '../../../builders/nomad.ts'
import { nomadPlugin, nomadVolume } from '../../../builders/observed.ts'
import { snapshotRecord, volumeRecord } from '../../../builders/records.ts'

type Options = Parameters<typeof planOrphans>[0]

function orphans(options: Partial<Options>) {
  return planOrphans({
    storages: [],
    volumes: [],
    records: [],
    released: [],
    declared: new Set(),
    ...options,
  })
}

const storage = (matters: Partial<Options['storages'][number]> = {}) => ({
  plugin: nomadPlugin('directories'),
  volumes: new Map([['vol-1', anExternalVolume('vol-1')]]),
  snapshots: new Map(),
  ...matters,
})
const data = volume('data')
const managed = volumeRecord(data, { externalID: 'vol-1' })

describe('planOrphans', () => {
  it('names what is in storage and for which nothing stands, and what it was', () => {
    const released = {
      key: 'Volume/default/old',
      pluginID: 'directories',
      externalID: 'vol-1',
      reason: 'Retained',
      atMs: 1,
    }
    expect(orphans({ storages: [storage()], released: [released] }).inStorage).toMatchObject([
      { kind: 'Volume', externalID: 'vol-1', released },
    ])
  })

  it('knows what Nomad has, and what is managed and not in Nomad yet', () => {
    const inNomad = aVolumeStub(nomadVolume('other', { ExternalID: 'vol-1' }))
    expect(orphans({ storages: [storage()], volumes: [inNomad] }).inStorage).toEqual([])
    expect(orphans({ storages: [storage()], records: [managed] }).inStorage).toEqual([])
  })

  it('tells an equal ID of another plugin apart', () => {
    const elsewhere = aVolumeStub(nomadVolume('other', { ExternalID: 'vol-1', PluginID: 'ebs' }))
    expect(orphans({ storages: [storage()], volumes: [elsewhere] }).inStorage).toHaveLength(1)
  })

  it('says what could not be looked into, instead of nothing', () => {
    const blind = storage({ volumes: { failure: 'no answer' }, snapshots: { failure: 'cannot list' } })
    expect(orphans({ storages: [blind] })).toMatchObject({
      inStorage: [],
      unknown: [expect.stringContaining('no answer'), expect.stringContaining('cannot list')],
    })
  })

  it('names what is in Nomad and not declared, but not what is on its way out', () => {
    const ending = volumeRecord(volume('gone'), {
      externalID: 'vol-2',
      end: { phase: 'register-tombstone', tombstoneID: tombstoneID('Volume/default/gone', 'vol-2') },
    })
    const volumes = [
      aVolumeStub(nomadVolume('foreign')),
      aVolumeStub(nomadVolume('data')),
      aVolumeStub(nomadVolume(ending.end?.tombstoneID ?? '')),
    ]
    const found = orphans({ volumes, records: [managed, ending], declared: new Set([managed.key]) })
    expect(found.inNomad.map(({ volumeID }) => volumeID)).toEqual(['foreign'])
    expect(found.undeclared.map(({ key }) => key)).toEqual(['Volume/default/gone'])
  })

  it('names a create whose outcome nobody knows, and passes over what a schedule made', () => {
    const intent = { request: { ID: 'data', PluginID: 'directories' }, sinceMs: 0 }
    const made = snapshotRecord(snapshot('tick', 'data'), {
      snapshotID: 'snap-1',
      pluginID: 'directories',
      schedule: {
        schedule: 'SnapshotSchedule/default/nightly',
        volume: managed.key,
        tickMs: 0,
        isExpired: false,
      },
    })
    const unsettled = volumeRecord(data, { intent })
    const snapshots = new Map([['snap-1', aSnapshot('snap-1')]])
    const found = orphans({
      storages: [storage({ volumes: new Map(), snapshots })],
      records: [unsettled, made],
    })
    expect(found.undeclared).toMatchObject([{ key: 'Volume/default/data', unsettledName: unsettled.csiName }])
    expect(found.inStorage).toEqual([])
  })
})

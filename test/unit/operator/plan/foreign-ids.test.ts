import { describe, expect, it } from 'vitest'
import type { AllowedIDs } from '../../../../src/operator/declare/allowed-ids.ts'
import type { VolumeDeclaration } from '../../../../src/operator/declare/declaration.ts'
import { explainForeignID, findForeignID, ownIDs } from '../../../../src/operator/plan/foreign-ids.ts'
import type { VolumeRecord } from '../../../../src/operator/plan/record.ts'
import type { Released } from '../../../../src/operator/plan/released.ts'
import { snapshot, volume } from '../../../builders/declarations.ts'
import { snapshotRecord, volumeRecord } from '../../../builders/records.ts'

const object = { namespace: 'team-b', uid: 'uid', generation: 1 }
const nobody: AllowedIDs = { objects: new Map() }
const allow = (...patterns: readonly string[]): AllowedIDs => ({ objects: new Map([['team-b', patterns]]) })
const intent = { request: { ID: 'data', PluginID: 'directories' }, sinceMs: 0, deadlineMs: 1 }

interface Case {
  readonly spec: Partial<VolumeDeclaration['spec']>
  readonly record?: Partial<VolumeRecord>
  readonly allowed?: AllowedIDs
  /** Nomad's volume of this ID; absent: there is none. */
  readonly inNomad?: { readonly Context: Record<string, string> | null }
  readonly isFile?: true
}

const own = () => ({ ids: new Set(['own-volume', 'own-snapshot']), names: new Set(['own-name']) })

function find({ spec, record, allowed = nobody, inNomad, isFile }: Case) {
  const written = volume('data', spec)
  const declaration = isFile ? written : { ...written, place: { ...written.place, object } }
  return findForeignID(volumeRecord(declaration, record), allowed, own, inNomad)?.field
}

describe('findForeignID', () => {
  it.each<[string, Case, string | undefined]>([
    ['refuses an external volume that nobody allowed', { spec: { externalID: 'vol-1' } }, 'spec.externalID'],
    ['lets a file name every ID', { spec: { externalID: 'vol-1' }, isFile: true }, undefined],
    ['refuses a snapshot', { spec: { source: { snapshotID: 's' } } }, 'spec.source.snapshotID'],
    ['refuses a volume to clone', { spec: { source: { cloneID: 'v' } } }, 'spec.source.cloneID'],
    [
      'refuses a name, which a plugin answers with the volume that has it',
      { spec: { name: 'n' } },
      'spec.name',
    ],
    [
      'takes an allowed ID',
      { spec: { externalID: 'vol-1' }, allowed: allow('directories/vol-1') },
      undefined,
    ],
    [
      'takes an allowed prefix',
      { spec: { externalID: 'vol-1' }, allowed: allow('directories/vol-*') },
      undefined,
    ],
    [
      'takes what any plugin may have',
      { spec: { externalID: 'vol-1' }, allowed: allow('*/vol-*') },
      undefined,
    ],
    [
      'takes an allowed snapshot',
      { spec: { source: { snapshotID: 's' } }, allowed: allow('directories/s') },
      undefined,
    ],
    ['takes an allowed name', { spec: { name: 'n' }, allowed: allow('directories/*') }, undefined],
    [
      'refuses the allowed ID at another plugin',
      { spec: { externalID: 'vol-1' }, allowed: allow('ebs0/*') },
      'spec.externalID',
    ],
    [
      'refuses an ID that only begins like the allowed one',
      { spec: { externalID: 'vol-12' }, allowed: allow('directories/vol-1') },
      'spec.externalID',
    ],
    [
      'refuses a path that leaves the allowed prefix',
      { spec: { externalID: 'b/../a/vol' }, allowed: allow('directories/b/*') },
      'spec.externalID',
    ],
    [
      'refuses what another Kubernetes namespace may name',
      { spec: { externalID: 'v' }, allowed: { objects: new Map([['team-a', ['*/*']]]) } },
      'spec.externalID',
    ],
    ['takes an external volume of the namespace', { spec: { externalID: 'own-volume' } }, undefined],
    [
      'takes a snapshot of the namespace by its ID',
      { spec: { source: { snapshotID: 'own-snapshot' } } },
      undefined,
    ],
    ['takes a volume of the namespace to clone', { spec: { source: { cloneID: 'own-volume' } } }, undefined],
    [
      'goes on with a clone that was made',
      { spec: { source: { cloneID: 'v' } }, record: { externalID: 'vol-1' } },
      undefined,
    ],
    [
      'leaves the source alone of what Nomad has, where it does nothing',
      { spec: { source: { snapshotID: 's' } }, inNomad: { Context: null } },
      undefined,
    ],
    [
      'refuses another name where Nomad has nothing under it',
      { spec: { name: 'n' }, record: { csiName: 'n' } },
      'spec.name',
    ],
    ['takes the name of a volume of the namespace', { spec: { name: 'own-name' } }, undefined],
    [
      'goes on with what is recorded, as after an upgrade',
      { spec: { externalID: 'vol-1' }, record: { externalID: 'vol-1' } },
      undefined,
    ],
    [
      'goes on with a volume that was made from a snapshot',
      { spec: { source: { snapshotID: 's' } }, record: { externalID: 'vol-1' } },
      undefined,
    ],
    [
      'goes on with a create that was sent',
      { spec: { name: 'n', source: { snapshotID: 's' } }, record: { intent } },
      undefined,
    ],
    [
      'goes on under the recorded name',
      { spec: { name: 'n' }, record: { externalID: 'v', csiName: 'n' } },
      undefined,
    ],
    [
      'goes on under the name of a restore',
      { spec: { name: 'n' }, record: { externalID: 'v', csiName: 'n-r2' } },
      undefined,
    ],
    [
      'refuses another name, which the next restore would use',
      { spec: { name: 'n' }, record: { externalID: 'v', csiName: 'other' } },
      'spec.name',
    ],
    [
      'adopts what Nomad has in the namespace',
      { spec: { externalID: 'vol-1' }, inNomad: { Context: null } },
      undefined,
    ],
    [
      'refuses another context, which may lead to other data',
      { spec: { externalID: 'own-volume', context: { server: 'a' } } },
      'spec.context of external volume',
    ],
    [
      'refuses a changed context of its own volume',
      {
        spec: { externalID: 'v', context: { server: 'a' } },
        record: { externalID: 'v', context: { server: 'b' } },
      },
      'spec.context of external volume',
    ],
    [
      'takes the context that is recorded',
      {
        spec: { externalID: 'v', context: { server: 'b' } },
        record: { externalID: 'v', context: { server: 'b' } },
      },
      undefined,
    ],
    [
      'takes the context that Nomad has',
      { spec: { externalID: 'v', context: { server: 'b' } }, inNomad: { Context: { server: 'b' } } },
      undefined,
    ],
    [
      'takes another context where the ID is allowed',
      { spec: { externalID: 'v', context: { server: 'a' } }, allowed: allow('directories/v') },
      undefined,
    ],
  ])('%s', (_title, given, field) => {
    expect(find(given)).toBe(field)
  })
})

describe('explainForeignID', () => {
  const { place } = volume('data')
  const named = { field: 'spec.externalID', pluginID: 'ebs0', id: 'vol-1' }
  const explain = (id: string, allowed: AllowedIDs) =>
    explainForeignID({ ...named, id }, allowed, { ...place, object })

  it('gives the flag that allows exactly this', () => {
    expect(explain('vol-1', nobody)).toContain('--allow-external-ids team-b=ebs0/vol-1 of the operator')
  })

  it('quotes it for a shell, and ends it at a comma, which would separate two', () => {
    expect(explain('a b,c', nobody)).toContain("--allow-external-ids 'team-b=ebs0/a b*' of the operator")
  })

  it('names the field of a NomadCluster', () => {
    expect(explain('vol-1', { ...nobody, cluster: 'east' })).toContain(
      'NomadCluster "east", with spec.allowExternalIDs: {team-b: ["ebs0/vol-1"]}',
    )
  })
})

describe('ownIDs', () => {
  const gone: Released = {
    key: 'Volume/default/old',
    pluginID: 'directories',
    externalID: 'old-volume',
    csiName: 'old-name',
    reason: 'Retained',
    atMs: 0,
  }

  it('knows the volumes and snapshots of one namespace at one plugin, released ones too', () => {
    const records = [
      volumeRecord(volume('data'), { externalID: 'vol', csiName: 'name' }),
      volumeRecord(volume('new'), { csiName: 'not-created' }),
      volumeRecord(volume('other', { namespace: 'prod' }), { externalID: 'vol-of-prod' }),
      volumeRecord(volume('elsewhere', { pluginID: 'ebs0' }), { externalID: 'vol-of-ebs' }),
      snapshotRecord(snapshot('good', 'data'), { snapshotID: 'snap', pluginID: 'directories' }),
    ]
    const released = [
      gone,
      { ...gone, key: 'Volume/prod/old', externalID: 'old-of-prod' },
      { ...gone, pluginID: 'ebs0', externalID: 'old-of-ebs' },
    ]
    const { ids, names } = ownIDs('default', 'directories', records, released)
    expect([...ids]).toEqual(['vol', 'snap', 'old-volume'])
    // A snapshot's name is none of a volume.
    expect([...names]).toEqual(['name', 'old-name'])
  })
})

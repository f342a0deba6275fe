import { describe, expect, it } from 'vitest'
import type { VolumeDeclaration } from '../../../../src/operator/declare/declaration.ts'
import { restoredName } from '../../../../src/operator/plan/identity.ts'
import type { VolumeRecord } from '../../../../src/operator/plan/record.ts'
import { firstIncarnation, nextIncarnation } from '../../../../src/operator/plan/released.ts'
import {
  findReplaced,
  type RestoreGuards,
  refuseRestore,
  refuseRestoreOrder,
} from '../../../../src/operator/plan/restore-plan.ts'
import { volume } from '../../../builders/declarations.ts'
import { aSnapshot } from '../../../builders/nomad.ts'
import { nomadPlugin, nomadVolume } from '../../../builders/observed.ts'
import { volumeRecord } from '../../../builders/records.ts'

interface Case {
  readonly spec?: Partial<VolumeDeclaration['spec']>
  readonly record?: Partial<VolumeRecord>
}

const recordOf = ({ spec, record = { externalID: 'vol-1' } }: Case) =>
  volumeRecord(volume('data', spec), record)

describe('refuseRestoreOrder', () => {
  const request = { ID: 'data', PluginID: 'directories' }
  const restore = { snapshotID: 'snap-0', csiName: 'data-r1', incarnation: 1 }
  it.each<[string, Case & { suspendedSinceMs?: number }, RegExp | undefined]>([
    ['allows it for a volume that was created', {}, undefined],
    [
      'refuses one whose declaration registers an external volume, and says how to go on',
      { spec: { externalID: 'vol-1' } },
      /remove spec\.externalID and spec\.context from the declaration first/,
    ],
    ['refuses one that was not created yet', { record: {} }, /spec\.source/],
    [
      'refuses one that is ending',
      { record: { externalID: 'vol-1', end: { phase: 'deregister', tombstoneID: 't' } } },
      /is ending/,
    ],
    [
      'refuses one that is no longer declared',
      { record: { externalID: 'vol-1', missing: { sinceMs: 1, isSeen: true, elapsedMs: 0 } } },
      /no longer declared/,
    ],
    [
      'refuses a second one beside the first',
      { record: { externalID: 'vol-1', restore } },
      /"snap-0" is running.*--undo/,
    ],
    [
      'names the volume that a running restore goes back to',
      { record: { externalID: 'vol-1', restore: { backTo: 'vol-0', csiName: 'data', incarnation: 1 } } },
      /"vol-0" is running/,
    ],
    ['refuses one that is suspended by a command', { suspendedSinceMs: 0 }, /suspended/],
    ['refuses one that is suspended by its declaration', { spec: { suspend: true } }, /suspended/],
    [
      'refuses while the outcome of a call is not known',
      { record: { externalID: 'vol-1', intent: { request, sinceMs: 0, mayRunMs: 0 } } },
      /outcome of an earlier call/,
    ],
    [
      'refuses a name that CSI does not take',
      { spec: { name: 'x'.repeat(121) } },
      /128 bytes.*shorter spec\.name/,
    ],
  ])('%s', (_title, { suspendedSinceMs, ...fields }, expected) => {
    const orders = suspendedSinceMs === undefined ? {} : { suspendedSinceMs }
    const refusal = refuseRestoreOrder(recordOf(fields), orders)
    if (expected === undefined) expect(refusal).toBeUndefined()
    else expect(refusal).toMatch(expected)
  })
})

describe('refuseRestore', () => {
  it.each<[string, Partial<RestoreGuards>, RegExp | undefined]>([
    ['allows it for a volume that nobody uses, and a ready snapshot', {}, undefined],
    ['allows it for a volume that Nomad lost', { volume: undefined }, undefined],
    ['allows it where the plugin cannot list snapshots', { source: 'unknown' }, undefined],
    [
      'refuses while allocations hold the volume, and names them',
      { volume: nomadVolume('data', { ReadAllocs: { a1: null }, WriteAllocs: { a2: null } }) },
      /in use by allocations a1, a2/,
    ],
    ['refuses a snapshot that is not ready', { source: aSnapshot('s', { IsReady: false }) }, /ready to use/],
    ['refuses a snapshot that the plugin does not list', { source: 'unlisted' }, /lists no snapshot "s"/],
    ['refuses while the plugin is away', { plugin: undefined }, /Nomad does not know it/],
    [
      'refuses where the plugin cannot create',
      { plugin: nomadPlugin('directories', { SupportsCreateDelete: false }) },
      /cannot create/,
    ],
    ['refuses a volume of another plugin', { volume: nomadVolume('data', { PluginID: 'other' }) }, /"other"/],
    [
      'refuses where registering again would lose what Nomad never shows',
      { unreadable: ['spec.secrets'] },
      /lose spec\.secrets.*secrets: \{\}/,
    ],
  ])('%s', (_title, guards, expected) => {
    const refusal = refuseRestore(
      recordOf({}),
      { snapshotID: 's' },
      {
        volume: nomadVolume('data'),
        plugin: nomadPlugin('directories'),
        source: aSnapshot('s'),
        unreadable: [],
        ...guards,
      },
    )
    if (expected === undefined) expect(refusal).toBeUndefined()
    else expect(refusal).toMatch(expected)
  })
})

describe('findReplaced', () => {
  const left = (reason: string, fields = {}) => ({
    ...{ key: 'Volume/default/data', pluginID: 'directories', externalID: 'vol-0', reason, atMs: 0 },
    ...fields,
  })
  const other = volumeRecord(volume('look', { externalID: 'vol-0' }), { externalID: 'vol-0' })
  const elsewhere = volumeRecord(volume('look', { pluginID: 'ebs0' }), { externalID: 'vol-0' })
  it.each<
    [string, Parameters<typeof findReplaced>[2], Parameters<typeof findReplaced>[3], RegExp | undefined]
  >([
    ['finds what a restore replaced', [left('Replaced')], [], undefined],
    ['finds nothing that was left behind otherwise', [left('Retained')], [], /no restore of it replaced/],
    ['finds nothing of another volume', [left('Replaced', { key: 'Volume/default/x' })], [], /no restore/],
    ['finds nothing of another plugin', [left('Replaced', { pluginID: 'ebs0' })], [], /no restore/],
    ['finds nothing of another ID', [left('Replaced', { externalID: 'vol-9' })], [], /no restore/],
    ['finds nothing that was deleted since', [left('Replaced'), left('Deleted')], [], /no restore/],
    ['names who has it now', [left('Replaced')], [other], /Volume\/default\/look now uses/],
    ['does not mind who has another one of the plugin', [left('Replaced')], [recordOf({})], undefined],
    ['does not mind who has one of that ID at another plugin', [left('Replaced')], [elsewhere], undefined],
  ])('%s', (_title, released, records, refusal) => {
    const found = findReplaced(recordOf({}), 'vol-0', released, records)
    if (refusal === undefined) expect(found).toMatchObject({ externalID: 'vol-0' })
    else expect(found).toMatch(refusal)
    expect(findReplaced(recordOf({}), 'vol-1', released, records)).toMatch(/its current one/)
  })

  it('needs the plugin to list it still, and no plugin that can create', () => {
    const guards = {
      volume: nomadVolume('data'),
      plugin: nomadPlugin('directories', { SupportsCreateDelete: false }),
    }
    const refuse = (source: RestoreGuards['source']) =>
      refuseRestore(recordOf({}), { backTo: 'vol-0' }, { ...guards, source, unreadable: [] })
    expect(refuse('unlisted')).toMatch(/no longer lists external volume "vol-0"/)
    expect(refuse('unknown')).toBeUndefined()
  })
})

describe('the name of a restored volume', () => {
  it('counts on from the names that were used up, whichever knows of more: record, name or what was released', () => {
    expect(nextIncarnation({ incarnation: 0, csiName: 'data-0123456789' })).toBe(1)
    expect(nextIncarnation({ incarnation: 4, csiName: 'data-0123456789-r2' })).toBe(5)
    expect(nextIncarnation({ incarnation: 0, csiName: 'taken-over-r7' })).toBe(8)
    const released = (key: string, incarnation?: number) => ({
      ...{ key, pluginID: 'p', externalID: 'x', reason: 'Retained', atMs: 0 },
      ...(incarnation === undefined ? {} : { incarnation }),
    })
    expect(firstIncarnation([released('a', 2), released('a'), released('b', 9)], 'a')).toBe(3)
    expect(firstIncarnation([released('b', 9)], 'a')).toBe(0)
  })

  it('goes on from a fixed name, or is of the same digest', () => {
    const { spec } = volume('data')
    expect(restoredName({ region: 'global', spec, incarnation: 2 })).toMatch(/^data-[0-9a-f]{10}-r2$/)
    expect(restoredName({ region: 'global', spec: { ...spec, name: 'fixed' }, incarnation: 2 })).toBe(
      'fixed-r2',
    )
  })
})

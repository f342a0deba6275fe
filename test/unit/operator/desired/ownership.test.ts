import { describe, expect, it } from 'vitest'
import type { VolumeDeclaration } from '../../../../src/operator/declare/declaration.ts'
import { planOwnership } from '../../../../src/operator/desired/ownership.ts'
import type { InventoryRecord } from '../../../../src/operator/plan/record.ts'
import { place, snapshot, volume } from '../../../builders/declarations.ts'
import { snapshotRecord, volumeRecord } from '../../../builders/records.ts'

function own(declarations: Parameters<typeof planOwnership>[0], records: InventoryRecord[] = []) {
  return planOwnership(declarations, new Map(records.map((record) => [record.key, record])), 'global')
}

describe('planOwnership', () => {
  it('refuses a second declaration of an identity and names both places', () => {
    const first = volume('data', {}, place('a.yaml'))
    const second = volume('other-name', { volumeID: 'data' }, place('b.yaml', 2))
    const { owners, refusals } = own([first, second])
    expect(owners.get('Volume/default/data')).toBe(first)
    expect(refusals).toMatchObject([{ declaration: second, reason: 'OwnedElsewhere' }])
    expect(refusals[0]?.message).toContain('declarations/a.yaml:1:1')
    expect(refusals[0]?.message).toContain('declarations/b.yaml:21:1')
  })

  it('keeps the owner it had, also where another declaration comes first in order', () => {
    const owner = volume('data', {}, place('z.yaml'))
    const intruder = volume('data', {}, place('a.yaml'))
    expect(own([intruder, owner], [volumeRecord(owner)]).owners.get('Volume/default/data')).toBe(owner)
  })

  it('takes a declaration that moved to another file as the same', () => {
    const before = volume('data', {}, place('old.yaml'))
    const after = volume('data', {}, place('new.yaml'))
    const { owners, refusals, held } = own([after], [volumeRecord(before)])
    expect(owners.get('Volume/default/data')).toBe(after)
    expect(refusals).toEqual([])
    expect(held.size).toBe(0)
  })

  it('keeps the external volume of a file for it, where an object names it first', () => {
    const object = { namespace: 'team-b', uid: 'uid', generation: 1 }
    const thief = volume('thief', { externalID: 'vol-1' }, { ...place('a'), object })
    const owner = volume('data', { namespace: 'prod', externalID: 'vol-1' }, place('z.yaml'))
    for (const records of [[], [volumeRecord(thief, { externalID: 'of-thief' })]]) {
      const { owners, refusals } = own([thief, owner], records)
      expect(owners.get('Volume/prod/data')).toBe(owner)
      expect(refusals).toMatchObject([{ declaration: thief, reason: 'ExternalIDNotAllowed' }])
      expect(refusals[0]?.message).not.toContain('z.yaml')
    }
  })

  it.each<[string, Partial<VolumeDeclaration['spec']>, Partial<VolumeDeclaration['spec']>, boolean]>([
    ['of differing contexts', { context: { share: '/a' } }, { context: { share: '/b' } }, true],
    ['of one context', { context: { share: '/a' } }, { context: { share: '/a' } }, false],
    ['of which one has no context', { context: { share: '/a' } }, {}, false],
    ['of which neither has a context', {}, {}, false],
    ['of another plugin', { context: { share: '/a' } }, { pluginID: 'other' }, true],
  ])('registered volumes that share an external ID, %s', (_title, one, other, areTaken) => {
    const { owners, refusals } = own([
      volume('a', { externalID: 'nfs', ...one }),
      volume('b', { externalID: 'nfs', ...other }),
    ])
    expect(owners.size).toBe(areTaken ? 2 : 1)
    expect(refusals.map(({ reason }) => reason)).toEqual(areTaken ? [] : ['ExternalIDTaken'])
  })

  it('takes no registered volume for another one that was created, whatever its context', () => {
    const created = volume('created')
    const { refusals } = own(
      [created, volume('b', { externalID: 'disk-1', context: { share: '/b' } })],
      [volumeRecord(created, { externalID: 'disk-1', context: { pool: 'fast' } })],
    )
    expect(refusals).toMatchObject([{ key: 'Volume/default/b', reason: 'ExternalIDTaken' }])
  })

  it('keeps equal volume IDs of two Nomad namespaces apart', () => {
    const { owners, refusals } = own([
      volume('data', {}, place('a.yaml')),
      volume('data', { namespace: 'prod' }, place('b.yaml')),
    ])
    expect([...owners.keys()]).toEqual(['Volume/default/data', 'Volume/prod/data'])
    expect(refusals).toEqual([])
  })

  it('refuses another identity in the same document and holds the one that stood there', () => {
    const before = volume('data', {}, place('a.yaml'))
    const after = volume('renamed', {}, place('a.yaml'))
    const { owners, refusals, held } = own([after], [volumeRecord(before)])
    expect(owners.size).toBe(0)
    expect(refusals).toMatchObject([{ reason: 'IdentityChanged' }])
    expect([...held.keys()]).toEqual(['Volume/default/data'])
  })

  it('refuses the same name moved to another Nomad namespace within its file', () => {
    const before = volume('data', {}, place('a.yaml', 0))
    const after = volume('data', { namespace: 'prod' }, place('a.yaml', 3))
    expect(own([after], [volumeRecord(before)]).refusals).toMatchObject([{ reason: 'IdentityChanged' }])
  })

  it('takes a new document where the old one was seen gone before', () => {
    const before = volumeRecord(volume('data', {}, place('a.yaml')), {
      missing: { sinceMs: 1, isSeen: true, elapsedMs: 0 },
    })
    const after = volume('renamed', {}, place('a.yaml'))
    const { owners, held } = own([after], [before])
    expect([...owners.keys()]).toEqual(['Volume/default/renamed'])
    expect(held.size).toBe(0)
  })

  it('is not misled by documents that move up when one before them is removed', () => {
    const [a, b] = [volume('a', {}, place('f.yaml', 0)), volume('b', {}, place('f.yaml', 1))]
    const { owners, held, refusals } = own(
      [volume('b', {}, place('f.yaml', 0))],
      [volumeRecord(a), volumeRecord(b)],
    )
    expect([...owners.keys()]).toEqual(['Volume/default/b'])
    expect(held.size).toBe(0)
    expect(refusals).toEqual([])
  })

  it.each([
    [
      'the same external volume',
      volume('a', { externalID: 'vol-1' }),
      volume('b', { externalID: 'vol-1' }),
      'ExternalIDTaken',
    ],
    ['the same CSI name', volume('a', { name: 'shared' }), volume('b', { name: 'shared' }), 'NameTaken'],
    [
      'the same metadata.name in one Nomad namespace',
      volume('data', { volumeID: 'one' }),
      volume('data', { volumeID: 'two' }, place('b.yaml')),
      'NameTaken',
    ],
  ])('refuses the later of two declarations with %s', (_title, one, other, reason) => {
    const { owners, refusals } = own([one, other])
    expect(owners.size).toBe(1)
    expect(refusals).toMatchObject([{ declaration: other, reason }])
  })

  it('refuses a newcomer that names an external volume which a managed one was created as', () => {
    const managed = volume('z-managed')
    const newcomer = volume('a-newcomer', { externalID: 'vol-1' })
    const { refusals } = own([newcomer, managed], [volumeRecord(managed, { externalID: 'vol-1' })])
    expect(refusals).toMatchObject([{ declaration: newcomer, reason: 'ExternalIDTaken' }])
  })

  it.each([
    ['metadata.name', volume('a', { volumeID: 'b' }, place('b.yaml'))],
    ['CSI name', volume('b', { name: volumeRecord(volume('a')).csiName })],
  ])('holds a managed volume whose declaration is refused for a %s that another has', (_what, edited) => {
    const [a, b] = [
      volumeRecord(volume('a')),
      volumeRecord(volume('b'), { csiName: edited.spec.name ?? 'b-1' }),
    ]
    const { owners, held, refusals } = own([volume('a'), edited], [a, b])
    expect([...owners.keys()]).toEqual(['Volume/default/a'])
    expect(refusals).toMatchObject([{ key: 'Volume/default/b', reason: 'NameTaken' }])
    expect(held.get('Volume/default/b')).toMatchObject({ reason: 'NameTaken' })
  })

  it('lets two plugins use the same names', () => {
    const { refusals } = own([
      volume('a', { name: 'shared', pluginID: 'one' }),
      volume('b', { name: 'shared', pluginID: 'two' }),
    ])
    expect(refusals).toEqual([])
  })

  it('lets a snapshot be named as its volume', () => {
    const { owners, refusals } = own([volume('data'), snapshot('data', 'data', {}, place('s.yaml'))])
    expect(owners.size).toBe(2)
    expect(refusals).toEqual([])
    const names = [volumeRecord(volume('data')).csiName, snapshotRecord(snapshot('data', 'data')).csiName]
    expect(new Set(names).size).toBe(2)
  })
})

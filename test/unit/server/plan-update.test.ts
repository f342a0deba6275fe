import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDefinition } from '../../../src/server/volumes/parse-definition.ts'
import { planUpdate } from '../../../src/server/volumes/plan-update.ts'
import { claimRecord, volumeRecord } from '../../builders/server-records.ts'

const parsed = (fields: object = {}) =>
  parseDefinition({
    ID: 'v1',
    Namespace: 'default',
    PluginID: 'disk',
    RequestedCapabilities: [{ AccessMode: 'single-node-writer', AttachmentMode: 'file-system' }],
    ...fields,
  })

describe('an update', () => {
  it.each([
    ['nothing said', {}, {}],
    [
      'what is there said again',
      { name: 'v1', parameters: { a: 'b' } },
      { Name: 'v1', Parameters: { a: 'b' } },
    ],
    ['secrets not said', { secrets: { a: 'b' } }, {}],
    ['the same secrets', { secrets: { a: 'b' } }, { Secrets: { a: 'b' } }],
    [
      'redacted flags',
      { mountOptions: { fsType: '', mountFlags: ['noatime'] } },
      { MountOptions: { MountFlags: ['[REDACTED]'] } },
    ],
    [
      'flags in another order',
      { mountOptions: { fsType: '', mountFlags: ['a', 'b'] } },
      { MountOptions: { MountFlags: ['b', 'a'] } },
    ],
    ['capacities both zero', { requestedCapacityMin: 5, requestedCapacityMax: 9 }, {}],
  ])('is the same with %s', (_case, stored, given) => {
    expect(planUpdate(volumeRecord(stored), parsed(given), [])).toEqual({ type: 'same' })
  })

  it.each([
    ['secrets', { secrets: { a: 'b' } }, { Secrets: { a: 'c' } }, { secrets: { a: 'c' } }],
    ['secrets taken away', { secrets: { a: 'b' } }, { Secrets: {} }, { secrets: {} }],
    [
      'mount options',
      {},
      { MountOptions: { FSType: 'xfs' } },
      { mountOptions: { fsType: 'xfs', mountFlags: [] } },
    ],
    [
      'mount options taken away',
      { mountOptions: { fsType: 'xfs', mountFlags: [] } },
      {},
      { mountOptions: { fsType: '', mountFlags: [] } },
    ],
    ['the context', {}, { Context: { a: 'b' } }, { context: { a: 'b' } }],
    [
      'a lower minimum',
      { capacity: 9, requestedCapacityMin: 9 },
      { RequestedCapacityMin: 5 },
      { requestedCapacityMin: 5 },
    ],
  ])('changes %s', (_case, stored, given, wanted) => {
    expect(planUpdate(volumeRecord(stored), parsed(given), [])).toMatchObject({
      type: 'update',
      volume: wanted,
      expand: undefined,
    })
  })

  it('expands where the new minimum is above what there is', () => {
    const volume = volumeRecord({ capacity: 5, requestedCapacityMin: 5 })
    expect(
      planUpdate(volume, parsed({ RequestedCapacityMin: 6, RequestedCapacityMax: 8 }), []),
    ).toMatchObject({
      expand: { minBytes: 6, maxBytes: 8 },
    })
  })

  it.each([
    [
      'other mount options',
      { MountOptions: { FSType: 'xfs' } },
      'can not update mount options while volume is in use',
    ],
    [
      'capabilities without the one in use',
      { RequestedCapabilities: [{ AccessMode: 'single-node-writer', AttachmentMode: 'block-device' }] },
      'not compatible with existing capability in use',
    ],
  ])('is refused %s while the volume is claimed', (_case, given, text) => {
    expect(planUpdate(volumeRecord(), parsed(given), [claimRecord()])).toEqual({
      type: 'refused',
      conflicts: [expect.stringContaining(text)],
    })
  })

  it('names every conflict at once', () => {
    const plan = planUpdate(volumeRecord(), parsed({ Name: 'x', PluginID: 'y', CloneID: 'z' }), [])
    expect(plan).toEqual({
      type: 'refused',
      conflicts: [
        'volume name cannot be updated',
        'volume plugin ID cannot be updated',
        'volume clone ID cannot be updated',
      ],
    })
  })

  it('applied twice is the same the second time', () => {
    const map = fc.dictionary(fc.string({ maxLength: 3 }), fc.string({ maxLength: 3 }), { maxKeys: 2 })
    const given = fc.record(
      {
        Secrets: map,
        Context: map,
        MountOptions: fc.record({
          FSType: fc.constantFrom('', 'ext4'),
          MountFlags: fc.array(fc.constantFrom('a', 'b')),
        }),
        RequestedCapacityMin: fc.nat(10),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(given, given, (first, second) => {
        const apply = (volume: ReturnType<typeof volumeRecord>, fields: object) => {
          const plan = planUpdate(volume, parsed(fields), [])
          return plan.type === 'update' ? plan.volume : volume
        }
        const volume = apply(apply(volumeRecord(), first), second)
        expect(planUpdate(volume, parsed(second), []).type).toBe('same')
      }),
    )
  })
})

import { status } from '@grpc/grpc-js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chooseCapacity, parseCapacityRange, satisfies } from '../../../src/driver/capacity.ts'
import { createOperationLocks } from '../../../src/driver/operation-locks.ts'
import { cutPage } from '../../../src/driver/paging.ts'
import { checkTopology } from '../../../src/driver/topology.ts'
import { fingerprintCapability, unsupportedReason } from '../../../src/driver/volume-capability.ts'

describe('capacity', () => {
  const choose = (
    requiredBytes: number,
    limitBytes: number,
    leastBytes = 0,
    kind: 'mount' | 'block' = 'mount',
  ) => chooseCapacity({ requiredBytes, limitBytes }, { leastBytes, kind, availableBytes: 2 ** 40 })

  test.each([
    ['what is required', choose(10, 0), 10],
    ['a gibibyte where nothing is said', choose(0, 0), 2 ** 30],
    ['the limit, where it is less than that', choose(0, 5), 5],
    ['the source’s size, where that is more', choose(10, 0, 20), 20],
    ['the size of a source that has room, where nothing is said', choose(0, 0, 20), 20],
    ['whole pages for a device', choose(4097, 0, 0, 'block'), 8192],
  ])('is %s', (_title, actual, expected) => expect(actual).toBe(expected))

  test('is a share of what the pool has left, where that is less than a gibibyte and nothing is said', () => {
    const options = { leastBytes: 0, availableBytes: 160, kind: 'mount' } as const
    expect(chooseCapacity({ requiredBytes: 0, limitBytes: 0 }, options)).toBe(10)
  })

  test('is no less than where nothing is said, where a source is full to the last byte of its size', () => {
    const full = { leastBytes: 20, isLeastFull: true, kind: 'mount' } as const
    const chosen = (requiredBytes: number, limitBytes: number, availableBytes = 2 ** 40) =>
      chooseCapacity({ requiredBytes, limitBytes }, { ...full, availableBytes })
    expect(chosen(0, 0)).toBe(2 ** 30)
    expect(chosen(0, 30)).toBe(30)
    expect(chosen(0, 0, 160)).toBe(20)
    expect(chosen(10, 0)).toBe(20)
  })

  test.each([
    ['a source', () => choose(0, 10, 20)],
    ['whole pages', () => choose(4097, 5000, 0, 'block')],
  ])('is OUT_OF_RANGE where the limit leaves no room for %s', (_title, call) =>
    expect(call).toThrow(expect.objectContaining({ code: status.OUT_OF_RANGE })),
  )

  test('a chosen capacity satisfies the request it was chosen for', () => {
    const bytes = fc.nat(2 ** 40)
    fc.assert(
      fc.property(bytes, bytes, (requiredBytes, moreBytes) => {
        const bounds = { requiredBytes, limitBytes: moreBytes === 0 ? 0 : requiredBytes + moreBytes }
        const chosen = chooseCapacity(bounds, { leastBytes: 0, availableBytes: 2 ** 20, kind: 'mount' })
        expect(satisfies(chosen, bounds)).toBe(true)
      }),
    )
  })

  test('more than a double holds exactly is OUT_OF_RANGE; so large a limit is no limit', () => {
    const huge = 2n ** 62n
    expect(() => parseCapacityRange({ requiredBytes: huge, limitBytes: 0n })).toThrow(/no pool holds/)
    expect(parseCapacityRange({ requiredBytes: 1n, limitBytes: huge }).limitBytes).toBe(
      Number.MAX_SAFE_INTEGER,
    )
  })
})

describe('pages', () => {
  test('of any size give each item once, in order', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string({ minLength: 1 })),
        fc.integer({ min: 1, max: 5 }),
        (ids, maxEntries) => {
          const seen: string[] = []
          for (let startingToken = ''; ; ) {
            const page = cutPage(ids, (id) => id, { maxEntries, startingToken })
            seen.push(...page.items)
            startingToken = page.nextToken
            if (startingToken === '') break
          }
          expect(seen).toEqual([...ids].sort())
        },
      ),
    )
  })
})

describe('locks', () => {
  test('an exclusive holder excludes all, shared ones exclude an exclusive one, and a release frees once', () => {
    const locks = createOperationLocks()
    const busy = expect.objectContaining({ code: status.ABORTED })
    const one = locks.acquire('key', 'shared', 'busy')
    const two = locks.acquire('key', 'shared', 'busy')
    expect(() => locks.acquire('key', 'exclusive', 'busy')).toThrow(busy)
    one()
    one()
    expect(() => locks.acquire('key', 'exclusive', 'busy')).toThrow(busy)
    two()
    const exclusive = locks.acquire('key', 'exclusive', 'busy')
    expect(() => locks.acquire('key', 'shared', 'busy')).toThrow(busy)
    locks.acquire('another', 'exclusive', 'busy')
    exclusive()
    locks.acquire('key', 'exclusive', 'busy')
  })
})

describe('topology', () => {
  const requirement = (...racks: string[]) => ({
    requisite: racks.map((rack) => ({ segments: { rack } })),
    preferred: [],
  })

  test('one of the requisite places is enough, none asked for is any', () => {
    expect(() => checkTopology({ rack: 'r1', zone: 'z' }, requirement('r2', 'r1'))).not.toThrow()
    expect(() => checkTopology({}, null)).not.toThrow()
    expect(() => checkTopology({}, requirement('r1'))).toThrow(/none of the requisite places/)
  })
})

describe('capabilities', () => {
  const mount = { kind: 'mount', accessMode: 'SINGLE_NODE_WRITER', fsType: '', mountFlags: [] } as const
  const pool = { fsType: 'ext4', hasLoopDevices: false }

  test.each([
    ['a directory', mount, undefined],
    ['a directory on the pool’s own file system', { ...mount, fsType: 'ext4' }, undefined],
    ['another file system', { ...mount, fsType: 'xfs' }, /directories of the pool, which is on ext4/],
    ['a bind mount’s flag', { ...mount, mountFlags: ['noexec'] }, undefined],
    [
      'a flag that may be a secret',
      { ...mount, mountFlags: ['pass=s3cret'] },
      /^mount_flags: a directory takes only/,
    ],
    ['a device without loop devices', { ...mount, kind: 'block' as const }, /loop devices/],
  ])('%s', (_title, capability, reason) => {
    const actual = unsupportedReason(capability, pool)
    if (reason === undefined) expect(actual).toBeUndefined()
    else expect(actual).toMatch(reason)
    expect(actual ?? '').not.toContain('s3cret')
  })

  test('a fingerprint tells flags apart in any order, and says nothing of them', () => {
    const one = fingerprintCapability({ ...mount, mountFlags: ['a', 'b'] })
    expect(fingerprintCapability({ ...mount, mountFlags: ['b', 'a'] })).toBe(one)
    expect(fingerprintCapability(mount)).not.toBe(one)
    expect(one).toMatch(/^[0-9a-f]{16}$/)
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chooseName, keyOf, tombstoneID } from '../../../../src/operator/plan/identity.ts'
import { snapshot, volume } from '../../../builders/declarations.ts'

const identity = fc.record({
  region: fc.string(),
  namespace: fc.string(),
  id: fc.string({ maxLength: 200 }),
  incarnation: fc.nat({ max: 1000 }),
})

describe('chooseName', () => {
  it('keeps the readable part of the ID, then ten digits of a hash', () => {
    const name = chooseName({
      region: 'global',
      namespace: 'default',
      id: 'Postgres data[0]',
      incarnation: 0,
    })
    expect(name).toMatch(/^postgres-data-0-[0-9a-f]{10}$/)
  })

  it('appends the count of restores', () => {
    const name = chooseName({ region: 'global', namespace: 'default', id: 'data', incarnation: 2 })
    expect(name).toMatch(/^data-[0-9a-f]{10}-r2$/)
  })

  it('gives every identity a name of at most 63 safe characters', () => {
    fc.assert(
      fc.property(identity, (one) => {
        expect(chooseName(one)).toMatch(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])$/)
      }),
    )
  })

  it('tells identities apart that read alike: another region, another namespace, an ID of other signs', () => {
    const data = { region: 'global', namespace: 'default', id: 'data-0', incarnation: 0 }
    const others = [{ region: 'east' }, { namespace: 'prod' }, { id: 'data[0' }, { id: 'Data-0' }]
    const names = [data, ...others.map((other) => ({ ...data, ...other }))].map(chooseName)
    expect(new Set(names).size).toBe(names.length)
    expect(new Set(names.map((name) => name.replace(/[0-9a-f]{10}$/, '')))).toEqual(new Set(['data-0-']))
  })

  it('gives two identities two names, and one identity always the same (nomad#26249)', () => {
    fc.assert(
      fc.property(identity, identity, (one, other) => {
        const isSame = JSON.stringify(one) === JSON.stringify(other)
        expect(chooseName(one) === chooseName(other)).toBe(isSame)
        expect(chooseName(one)).toBe(chooseName({ ...one }))
      }),
    )
  })
})

describe('keyOf', () => {
  it('is the Nomad identity and not the name of file or object', () => {
    expect(keyOf(volume('object', { volumeID: 'data', namespace: 'prod' }))).toBe('Volume/prod/data')
    expect(keyOf(snapshot('nightly', 'data'))).toBe('Snapshot/default/nightly')
  })
})

describe('tombstoneID', () => {
  it('differs by identity and by external volume', () => {
    const ids = [tombstoneID('a', 'x'), tombstoneID('a', 'y'), tombstoneID('b', 'x')]
    expect(new Set(ids).size).toBe(3)
    expect(ids[0]).toMatch(/^mooring-deleting-[0-9a-f]{16}$/)
  })
})

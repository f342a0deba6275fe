import { describe, expect, it } from 'vitest'
import type { VolumeDeclaration } from '../../../../src/operator/declare/declaration.ts'
import { planSuspension, refuseRecreate, withGiven } from '../../../../src/operator/plan/orders.ts'
import type { VolumeRecord } from '../../../../src/operator/plan/record.ts'
import { conditionsOf } from '../../../../src/operator/plan/status.ts'
import { volume } from '../../../builders/declarations.ts'
import { volumeRecord } from '../../../builders/records.ts'

describe('withGiven', () => {
  const order = (message: string) => ({ type: 'takeSnapshots', message, atMs: 0 })

  it('keeps the beginning of a long text, and a short one whole', () => {
    const { given = [] } = withGiven(withGiven({}, order('x'.repeat(400))), order('y'.repeat(401)))
    expect(given.map(({ message }) => message)).toEqual([`${'y'.repeat(400)}…`, 'x'.repeat(400)])
  })
})

describe('planSuspension', () => {
  it('holds an identity that a person suspended, and says since when and how it goes on', () => {
    const { verdict, step } = planSuspension({ suspendedSinceMs: 0 }) ?? {}
    expect(step).toBeUndefined()
    expect(verdict).toMatchObject({ state: 'suspended', reason: 'Suspended' })
    expect(verdict?.message).toMatch(/1970-01-01T00:00:00.000Z.*mooring resume/)
  })

  it('says nothing where nobody did', () => {
    expect(planSuspension({})).toBeUndefined()
  })
})

describe('refuseRecreate', () => {
  const vanished = { state: 'stalled', reason: 'Vanished', message: 'lost' } as const
  const ready = { state: 'ready', reason: 'AsDeclared', message: '' } as const

  function refuse(options: {
    spec?: Partial<VolumeDeclaration['spec']>
    record?: Partial<VolumeRecord>
    isReady?: boolean
    lost?: string
  }) {
    const declaration = volume('data', options.spec)
    const status = { conditions: conditionsOf(options.isReady ? ready : vanished, [], 0) }
    const record = volumeRecord(declaration, { externalID: 'vol-1', status, ...options.record })
    return refuseRecreate(record, options.lost ?? 'vol-1')
  }

  it.each<[string, Parameters<typeof refuse>[0], RegExp | undefined]>([
    ['allows a vanished one that is named', {}, undefined],
    ['refuses one that has not vanished', { isReady: true }, /has not vanished \(its state is AsDeclared\)/],
    ['refuses another external volume than the lost one', { lost: 'vol-2' }, /is "vol-1", not "vol-2"/],
    [
      'refuses what is registered and not created',
      { spec: { externalID: 'vol-1' } },
      /another spec\.externalID/,
    ],
    [
      'refuses a fixed name, by which the plugin could take the new one for the lost one',
      { spec: { name: 'fixed' }, record: { csiName: 'fixed' } },
      /sets spec\.name/,
    ],
    ['allows a new fixed name', { spec: { name: 'new' }, record: { csiName: 'fixed' } }, undefined],
  ])('%s', (_title, options, expected) => {
    if (expected === undefined) expect(refuse(options)).toBeUndefined()
    else expect(refuse(options)).toMatch(expected)
  })
})

import { describe, expect, it } from 'vitest'
import { keyOf } from '../../../../src/operator/plan/identity.ts'
import { lastSnapshots } from '../../../../src/operator/plan/last-snapshots.ts'
import { conditionsOf } from '../../../../src/operator/plan/status.ts'
import { place, schedule, snapshot, volume } from '../../../builders/declarations.ts'
import { snapshotRecord } from '../../../builders/records.ts'

const nightly = schedule('nightly', ['a', 'b'])
const declarations = [nightly, volume('a'), volume('b'), volume('c')]

/** A snapshot that `nightly` made of a volume for a time. */
function made(of: string, tickMs: number, fields: { isReady?: boolean; isExpired?: boolean } = {}) {
  const { isReady = true, isExpired = false } = fields
  const verdict = { state: isReady ? 'ready' : 'stalled', reason: 'Refused', message: '' } as const
  return snapshotRecord(snapshot(`nightly:${of}:${tickMs}`, of), {
    schedule: { schedule: keyOf(nightly), volume: keyOf(volume(of)), tickMs, isExpired },
    status: { conditions: conditionsOf(verdict, [], 0) },
  })
}

describe('the last snapshots of a schedule', () => {
  it('are as old as those of the volume whose latest ready one is the oldest', () => {
    expect(lastSnapshots(declarations, [made('a', 10), made('a', 30), made('b', 20)])).toEqual([
      { namespace: 'default', schedule: 'nightly', oldestMs: 20, volumesWithout: 0 },
    ])
  })

  it('count a volume apart that has none which is ready and stays', () => {
    const records = [made('a', 10), made('b', 20, { isReady: false }), made('b', 15, { isExpired: true })]
    expect(lastSnapshots(declarations, records)).toMatchObject([{ oldestMs: 10, volumesWithout: 1 }])
    expect(lastSnapshots(declarations, [])).toMatchObject([{ oldestMs: undefined, volumesWithout: 2 }])
  })

  it('follow the labels of the volumes', () => {
    const gold = volume('g', {}, place('g.yaml'), { tier: 'gold' })
    const byLabel = schedule('nightly', [], { volumes: { selector: { matchLabels: { tier: 'gold' } } } })
    const other = volume('o', { namespace: 'other' }, place('o.yaml'), { tier: 'gold' })
    expect(lastSnapshots([byLabel, gold, other, volume('plain')], [])).toMatchObject([{ volumesWithout: 1 }])
  })

  it('are asked of no schedule that is suspended or selects nothing', () => {
    expect(lastSnapshots([schedule('s', ['a'], { suspend: true }), volume('a')], [])).toEqual([])
    expect(lastSnapshots([schedule('s', ['gone'])], [])).toEqual([])
  })
})

import { describe, expect, it } from 'vitest'
import { formatPlan } from '../../../src/cli/format-plan.ts'
import type { Plan, PlannedNothing } from '../../../src/operator/plan-once.ts'

const nothing: Plan = { steps: [], waiting: [], stalled: [], held: [], asDeclared: 0, problems: [] }
const several = (count: number, reason: string, message: string): PlannedNothing[] =>
  Array.from({ length: count }, (_, index) => ({
    key: `Volume/default/v${index}`,
    reason,
    message,
    differences: [],
  }))

describe('a plan for a person', () => {
  it('tells once what many wait for', () => {
    const waiting = several(1000, 'NomadUnreachable', 'nothing listens at http://127.0.0.1:1')
    const text = formatPlan({ ...nothing, waiting }, false)
    expect(text.split('\n')).toEqual([
      expect.stringMatching(/^\? Volume\/default\/v0, .*v4 and 995 more: waits \(NomadUnreachable\)$/),
      '    nothing listens at http://127.0.0.1:1',
      '',
      '1000 waiting.',
    ])
  })

  it('tells apart what waits for different things, and what differs by itself', () => {
    const [one, two] = several(2, 'InUse', 'in use')
    const differences = [{ field: 'spec.capacity.max', declared: '1', actual: '2' }]
    const waiting = [
      { ...one, message: 'in use by a' },
      { ...two, differences },
    ] as PlannedNothing[]
    expect(formatPlan({ ...nothing, waiting }, false).match(/^\? /gm)).toHaveLength(2)
  })

  it('counts what other sources declare, and says no more of it', () => {
    const held = several(6, 'SourceNotRead', 'was declared elsewhere')
    const text = formatPlan({ ...nothing, held }, false)
    expect(text).toBe(
      '· 6 of sources that are not read here: left as they are (SourceNotRead)\n\n6 left as they are.',
    )
  })
})

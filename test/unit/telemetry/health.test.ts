import { describe, expect, it } from 'vitest'
import { type Phase, planLiveness, planReadiness } from '../../../src/operator/telemetry/health.ts'
import { operatorView, queueView } from '../../builders/operator-view.ts'

const running = (fields: Parameters<typeof operatorView>[0], hasNomadAnswered = true): Phase => ({
  type: 'running',
  view: operatorView(fields),
  hasNomadAnswered,
})
const read = { declarations: 1, problems: 0, isComplete: true }

describe('the process is alive', () => {
  it.each<[string, Phase]>([
    ['while it starts', { type: 'starting' }],
    ['while another leads', { type: 'standby' }],
    [
      'while passes take their time',
      running({ queue: queueView({ running: 3, longestRunningMs: 500_000 }) }),
    ],
    ['while Nomad is away: a restart would not bring it back', running({}, false)],
  ])('%s', (_title, phase) => {
    expect(planLiveness(phase)).toEqual([])
  })

  it('no longer, once passes have gone on in spite of their time limit', () => {
    expect(planLiveness(running({ queue: queueView({ overdue: 2 }) }))).toEqual([
      expect.stringContaining('2 passes'),
    ])
  })
})

describe('the process is ready', () => {
  it.each<[string, Phase]>([
    ['as a standby, which waits to follow', { type: 'standby' }],
    ['once sources were read and Nomad answered', running({ sources: [{ name: 'a', last: read }] })],
    [
      'though a reading was not complete',
      running({ sources: [{ name: 'a', last: { ...read, isComplete: false } }] }),
    ],
  ])('%s', (_title, phase) => {
    expect(planReadiness(phase)).toEqual([])
  })

  it.each<[string, Phase, string[]]>([
    ['while it starts', { type: 'starting' }, ['the operator is starting']],
    [
      'while a source was not read',
      running({ sources: [{ name: 'a', last: read }, { name: 'b' }] }),
      ['source b has not been read yet'],
    ],
    ['while Nomad has not answered', running({}, false), ['Nomad has not answered yet']],
  ])('not %s', (_title, phase, obstacles) => {
    expect(planReadiness(phase)).toEqual(obstacles)
  })
})

import { describe, expect, it } from 'vitest'
import { addToHistory, type PastStep } from '../../../../src/operator/plan/status.ts'

const done = (step: string, atMs: number) => ({ step, why: 'because', atMs, outcome: 'done' }) as const
const failed = (error: string, atMs: number) =>
  ({ step: 'create-volume', why: 'because', atMs, outcome: 'failed', error }) as const

function historyOf(...steps: Omit<PastStep, 'times'>[]): PastStep[] {
  return steps.reduce<PastStep[]>((history, step) => addToHistory(history, step), [])
}

describe('addToHistory', () => {
  it('keeps the latest twenty, newest first', () => {
    const history = historyOf(...Array.from({ length: 25 }, (_, index) => done(`step-${index}`, index)))
    expect(history.map(({ step }) => step)).toEqual(
      Array.from({ length: 20 }, (_, index) => `step-${24 - index}`),
    )
  })

  it('counts a step that fails again as before, at its latest time', () => {
    expect(historyOf(done('adopt-volume', 1), failed('no answer', 2), failed('no answer', 3))).toMatchObject([
      { step: 'create-volume', outcome: 'failed', times: 2, atMs: 3 },
      { step: 'adopt-volume', times: 1 },
    ])
  })

  it('tells two failures, and two successes, apart', () => {
    expect(historyOf(failed('one', 1), failed('other', 2))).toHaveLength(2)
    expect(historyOf(done('update-volume', 1), done('update-volume', 2))).toHaveLength(2)
  })
})

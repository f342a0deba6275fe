import { describe, expect, it } from 'vitest'
import { createTurns } from '../../../src/lib/turns.ts'

describe('turns', () => {
  it('come in the order of the calls, and after so many the event loop has one', async () => {
    const turn = createTurns(3)
    const happened: string[] = []
    const beat = () => {
      happened.push('loop')
      if (happened.filter((one) => one !== 'loop').length < 8) setImmediate(beat)
    }
    setImmediate(beat)
    await Promise.all(Array.from({ length: 8 }, (_, at) => turn().then(() => happened.push(`${at}`))))
    const numbers = happened.filter((one) => one !== 'loop')
    expect(numbers).toEqual(['0', '1', '2', '3', '4', '5', '6', '7'])
    for (const [last, next] of [
      ['2', '3'],
      ['5', '6'],
    ] as const) {
      expect(happened.slice(happened.indexOf(last), happened.indexOf(next))).toContain('loop')
    }
  })

  it('come at once where nobody waits, again and again', async () => {
    const turn = createTurns(1)
    for (let at = 0; at < 3; at++) {
      await turn()
      await new Promise((resolve) => setImmediate(resolve))
      await new Promise((resolve) => setImmediate(resolve))
    }
  })

  it('are not lost where calls come between turns', async () => {
    const turn = createTurns(2)
    let done = 0
    const call = () => turn().then(() => done++)
    const first = [call(), call(), call()]
    await new Promise((resolve) => setImmediate(resolve))
    await Promise.all([...first, call(), call(), call(), call()])
    expect(done).toBe(7)
  })
})

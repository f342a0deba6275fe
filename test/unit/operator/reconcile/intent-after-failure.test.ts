import { describe, expect, it } from 'vitest'
import { type ErrorKind, OperationError } from '../../../../src/lib/errors.ts'
import { intentLeft } from '../../../../src/operator/reconcile/intent-after-failure.ts'

const intent = { request: {}, sinceMs: 1000, mayRunMs: 9000 }
const failure = (kind: ErrorKind, isOver = false) =>
  new OperationError('no', { kind, reason: 'Refused', isOver })

describe('what is left of an intent whose call', () => {
  it.each<[title: string, error: OperationError, isRepeat: boolean, mayRunMs: number | undefined]>([
    ['was refused for good is nothing', failure('permanent'), false, undefined],
    ['was refused for good when repeated is nothing', failure('permanent'), true, undefined],
    ['made nothing is nothing', failure('transient'), false, undefined],
    ['got no answer is its whole time', failure('ambiguous'), false, 9000],
    ['got no answer when repeated is its whole time', failure('ambiguous'), true, 9000],
    ['broke off with its plugin may be repeated now', failure('ambiguous', true), false, 0],
    ['made nothing when repeated may be repeated now', failure('transient'), true, 0],
    ['found something in use when repeated may be repeated now', failure('waiting'), true, 0],
  ])('%s', (_, error, isRepeat, mayRunMs) => {
    expect(intentLeft(intent, error, { isRepeat })?.mayRunMs).toBe(mayRunMs)
  })
})

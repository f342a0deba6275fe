import { describe, expect, it } from 'vitest'
import { type ErrorKind, OperationError } from '../../../../src/lib/errors.ts'
import { intentLeft } from '../../../../src/operator/reconcile/intent-after-failure.ts'

const intent = { request: {}, sinceMs: 1000, deadlineMs: 9000 }
const nowMs = 2000
const failure = (kind: ErrorKind, isOver = false) => new OperationError('no', { kind, reason: 'No', isOver })

describe('what is left of an intent whose call', () => {
  it.each<[title: string, error: OperationError, isRepeat: boolean, deadlineMs: number | undefined]>([
    ['was refused for good is nothing', failure('permanent'), false, undefined],
    ['was refused for good when repeated is nothing', failure('permanent'), true, undefined],
    ['made nothing is nothing', failure('transient'), false, undefined],
    ['got no answer is its deadline', failure('ambiguous'), false, 9000],
    ['got no answer when repeated is its deadline', failure('ambiguous'), true, 9000],
    ['broke off with its plugin may be repeated now', failure('ambiguous', true), false, nowMs],
    ['made nothing when repeated may be repeated now', failure('transient'), true, nowMs],
    ['found something in use when repeated may be repeated now', failure('waiting'), true, nowMs],
  ])('%s', (_, error, isRepeat, deadlineMs) => {
    expect(intentLeft(intent, error, { isRepeat, nowMs })?.deadlineMs).toBe(deadlineMs)
  })
})

import { describe, expect, it } from 'vitest'
import {
  classifyAnswer,
  classifyLostAnswer,
  classifyNonsense,
  type Purpose,
} from '../../../src/nomad/error-table.ts'
import { grpc, nomadAnswers } from '../../builders/nomad-answers.ts'

const of = (type: Purpose['type']): Purpose => ({ title: 'do it', type })

describe('classifyAnswer', () => {
  it.each(nomadAnswers)('%s: %i %s', (_title, status, text, type, kind, reason) => {
    expect(classifyAnswer(status, text, of(type))).toMatchObject({ kind, reason })
  })

  it('says in one line what was asked and what came back', () => {
    const text = 'rpc error: 1 error occurred:\n\t* validation: missing plugin id\n\n'
    expect(classifyAnswer(500, text, of('write')).message).toBe('do it: validation: missing plugin id')
  })

  it('quotes the plugin without the words that Nomad puts before it (csi-driver-nfs#795)', () => {
    const text = grpc('InvalidArgument', 'snapshot source is not compatible', 'type "gp9" is unknown')
    expect(classifyAnswer(500, text, of('create volume')).message).toBe(
      'do it: the plugin answered InvalidArgument: type "gp9" is unknown',
    )
  })

  it.each([
    ['create volume', ' (made: "vol \\"1\\"")', { externalID: 'vol "1"' }],
    ['write', '', {}],
  ] as const)(
    'takes an answer that breaks CSI for a result that is there, in a %s',
    (type, made, brokenAnswer) => {
      const text = grpc(
        'Internal',
        'controller create volume',
        `the answer breaks CSI 1.12: volume.x: required${made}`,
      )
      const error = classifyAnswer(502, text, of(type))
      expect(error).toMatchObject({ kind: 'permanent', reason: 'BrokenAnswer', brokenAnswer })
      expect(error.message).toContain('volume.x: required')
      expect(classifyAnswer(502, text, of('read')).brokenAnswer).toBeUndefined()
    },
  )

  it('names both causes of a 403, of which Nomad tells neither', () => {
    expect(classifyAnswer(403, 'Permission denied', of('write')).message).toContain(
      'or the storage provider refused the plugin',
    )
  })

  it('says when to look again at what it waits for', () => {
    expect(classifyAnswer(500, 'volume in use: data', of('write')).retryAfterMs).toBe(30_000)
    expect(classifyAnswer(500, 'No cluster leader', of('write')).retryAfterMs).toBeUndefined()
  })

  it('has a message where the answer has none', () => {
    expect(classifyAnswer(500, '', of('write')).message).toBe('do it: status 500 without a text')
  })
})

describe('calls without a whole answer', () => {
  it('are ambiguous once anything of a write was sent', () => {
    const cause = new Error('reset')
    expect(classifyLostAnswer(cause, true, 'cut', of('write'))).toMatchObject({
      kind: 'ambiguous',
      reason: 'AnswerLost',
      cause,
      message: 'do it: cut',
    })
  })

  it.each([
    ['a write that was never sent', 'write', false],
    ['a read that was never sent', 'read', false],
    ['a read that was sent', 'read', true],
  ] as const)('are transient for %s', (_title, type, sent) => {
    expect(classifyLostAnswer(new Error('x'), sent, 'cut', of(type))).toMatchObject({
      kind: 'transient',
      reason: 'NomadUnreachable',
    })
  })

  it('leave a write in doubt when its answer is nonsense', () => {
    expect(classifyNonsense('what?', of('write'))).toMatchObject({
      kind: 'ambiguous',
      reason: 'InvalidAnswer',
    })
    expect(classifyNonsense('what?', of('read'))).toMatchObject({
      kind: 'transient',
      reason: 'InvalidAnswer',
    })
  })
})

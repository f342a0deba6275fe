import { describe, expect, it } from 'vitest'
import { fillFromMessage } from '../../../src/cli/format-explanation.ts'
import { advise, placeholders } from '../../../src/lib/reasons/explanation.ts'
import { reasons } from '../../../src/lib/reasons/reasons.ts'

const fill = (message: string, reason: keyof typeof reasons) =>
  fillFromMessage(message, reasons[reason], placeholders)

describe('the names that only a message knows', () => {
  it('are taken from the remedy in it', () => {
    const { raise, declareNew } = reasons.CannotShrink.person
    const message = `The volume has 1.5Gi. ${advise(raise({ size: '1.5Gi' }), declareNew())}`
    expect(fill(message, 'CannotShrink')).toEqual({ ...placeholders, size: '1.5Gi' })
  })

  it('are several in one remedy, with dots in them', () => {
    const { find } = reasons.ExternalIDTaken.person
    const message = `It is taken. ${advise(find({ namespace: 'prod', otherVolume: 'a.b' }))}`
    expect(fill(message, 'ExternalIDTaken')).toMatchObject({ namespace: 'prod', otherVolume: 'a.b' })
  })

  it('stay placeholders where the message has no such remedy', () => {
    expect(fill('The volume has 20Mi.', 'CannotShrink')).toEqual(placeholders)
  })
})

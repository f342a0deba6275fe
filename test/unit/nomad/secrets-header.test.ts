import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatSecretsHeader } from '../../../src/nomad/secrets-header.ts'

/** As Nomad reads it (command/agent/csi_endpoint.go). */
function readByNomad(header: string): Record<string, string> {
  const pairs = header
    .trim()
    .split(',')
    .map((pair) => pair.split('='))
  // A key may be `__proto__`, which an assignment would lose.
  return Object.fromEntries(
    pairs.flatMap(([key, ...value]) =>
      key !== undefined && value.length > 0 ? [[key, value.join('=')]] : [],
    ),
  )
}

describe('formatSecretsHeader', () => {
  it('sends no header without secrets', () => {
    expect(formatSecretsHeader({})).toBeUndefined()
  })

  it('joins pairs, and leaves an equals sign in a value', () => {
    expect(formatSecretsHeader({ user: 'me', password: 'a=b c' })).toBe('user=me,password=a=b c')
  })

  it.each([
    ['a comma', { key: 'a,b' }],
    ['a newline', { key: 'a\nb' }],
    ['a space at the end', { key: 'a ' }],
    ['letters beyond ASCII', { key: 'ä' }],
    ['an equals sign in the key', { 'a=b': 'c' }],
    ['a comma in the key', { 'a,b': 'c' }],
    ['an empty key', { '': 'c' }],
  ])('refuses %s, and does not repeat the value', (_title, secrets) => {
    const value = Object.values(secrets)[0] ?? ''
    expect(() => formatSecretsHeader(secrets)).toThrow(
      expect.objectContaining({ kind: 'permanent', reason: 'SecretNotSendable' }),
    )
    expect(() => formatSecretsHeader(secrets)).not.toThrow(`${value}"`)
  })

  it('says nothing that Nomad would read otherwise', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string()), (secrets) => {
        let header: string | undefined
        try {
          header = formatSecretsHeader(secrets)
        } catch {
          return // refused, which is the other right answer
        }
        expect(readByNomad(header ?? '')).toEqual({ ...secrets })
      }),
    )
  })
})

import { describe, expect, it } from 'vitest'
import { foreignReason } from '../../../src/server/http/foreign-request.ts'

describe('a request', () => {
  it.each([
    ['127.0.0.1:4646', undefined],
    ['[::1]:4646', undefined],
    ['10.0.0.5', undefined],
    ['localhost:4646', undefined],
    ['nomad.internal:4646', undefined],
    ['localhost:4646', 'http://localhost:3000'],
  ])('for %s from %s is ours', (host, origin) => {
    expect(foreignReason({ host, origin }, 'nomad.internal')).toBeUndefined()
  })

  it.each([
    [undefined, undefined],
    ['', undefined],
    ['evil.example:4646', undefined],
    ['127.0.0.1.evil.example', undefined],
    ['127.0.0.1:4646', 'https://evil.example'],
    ['127.0.0.1:4646', 'null'],
    ['a b', undefined],
  ])('for %s from %s is not', (host, origin) => {
    expect(foreignReason({ host, origin }, 'nomad.internal')).toEqual(expect.any(String))
  })
})

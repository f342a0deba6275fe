import { describe, expect, it } from 'vitest'
import { losesSecrets } from '../../../src/nomad/server-version.ts'

describe('losesSecrets', () => {
  it.each<[version: string, loses: boolean]>([
    ['1.9.7', true],
    ['1.10.6', true],
    ['1.10.7', false],
    ['1.10.12+ent', false],
    ['1.11.0', true],
    ['1.11.0-rc.1', true],
    ['1.11.1', false],
    ['1.12.0', false],
    ['2.0.6-dev', false],
    ['v2.0.0', false],
    ['', true],
    ['latest', true],
  ])('of a server of version %j: %j', (version, loses) => {
    expect(losesSecrets(version)).toBe(loses)
  })
})

import { describe, expect, test } from 'vitest'
import { parseNomadBytes } from '../../../../src/operator/declare/nomad-bytes.ts'

describe('bytes as Nomad spells them', () => {
  test.each<[string, bigint]>([
    ['10GiB', 10n * 2n ** 30n],
    ['10Gi', 10n * 2n ** 30n],
    ['10gib', 10n * 2n ** 30n],
    ['10GB', 10n * 10n ** 9n],
    ['20G', 20n * 10n ** 9n],
    ['1.5 TiB', 3n * 2n ** 39n],
    ['0.1GB', 10n ** 8n],
    ['1,000MB', 10n ** 9n],
    ['100', 100n],
    ['100B', 100n],
    ['1.9', 1n],
    ['7EiB', 7n * 2n ** 60n],
    ['200M', 200n * 10n ** 6n],
    ['3 k', 3000n],
    ['0', 0n],
  ])('%s', (text, bytes) => expect(parseNomadBytes(text)).toBe(bytes))

  test.each(['', 'GiB', '-1G', '1 iB', '10 apples', '8EiB', '1e3', '1.2.3G', ','])('%j is none', (text) =>
    expect(parseNomadBytes(text)).toBeUndefined(),
  )
})

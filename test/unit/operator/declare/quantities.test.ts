import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { UsageError } from '../../../../src/lib/errors.ts'
import { formatQuantity, parseQuantity } from '../../../../src/operator/declare/quantities.ts'

const largest = 2n ** 63n - 1n

describe('parseQuantity', () => {
  test.each<[string | number, bigint]>([
    ['10Gi', 10n * 2n ** 30n],
    ['1.5Gi', 3n * 2n ** 29n],
    ['500M', 500_000_000n],
    ['10k', 10_000n],
    ['1e3', 1000n],
    ['1E3', 1000n],
    ['1E', 10n ** 18n],
    ['12e-1', 2n],
    ['+1Ki', 1024n],
    ['.5Ki', 512n],
    ['5.', 5n],
    ['128974848', 128_974_848n],
    [128_974_848, 128_974_848n],
    [0, 0n],
    [1e21 / 1e6, 10n ** 15n],
    ['7.999999999999999999Ei', 9_223_372_036_854_775_807n],
    ['9223372036854775807', largest],
  ])('reads %s exactly', (written, bytes) => {
    expect(parseQuantity(written)).toBe(bytes)
  })

  test.each([
    ['0.1', 1n],
    [1.5, 2n],
    ['1.0001Ki', 1025n],
    ['1e-30', 1n],
  ])('rounds the fraction of a byte in %s up', (written, bytes) => {
    expect(parseQuantity(written)).toBe(bytes)
  })

  test.each([
    ['10GiB', 'write 10Gi'],
    ['10GB', 'write 10G'],
    ['10 Gi', 'write 10Gi'],
    ['10gib', 'write 10Gi'],
    ['10KB', 'write 10k'],
    ['10K', 'write 10k'],
    ['10ki', 'write 10Ki'],
    ['1.5 TB', 'write 1.5T'],
    ['100 bytes', 'write 100'],
    ['500m', 'write 500M'],
    ['', 'write bytes, or a number with one of'],
    ['ten', 'write bytes, or a number with one of'],
    ['1,5Gi', 'write bytes, or a number with one of'],
    ['1e9999999999', 'write bytes, or a number with one of'],
    ['10Gi\n', 'write 10Gi'],
    ['-1Gi', 'is negative'],
    ['8Ei', 'too large'],
    ['1e999', 'too large'],
    [Number.POSITIVE_INFINITY, 'write bytes'],
    [Number.NaN, 'write bytes'],
    ['9'.repeat(1000), 'write bytes'],
  ])('refuses %j and says what to do', (written, remedy) => {
    expect(() => parseQuantity(written)).toThrow(UsageError)
    expect(() => parseQuantity(written)).toThrow(remedy)
  })

  test('reads any number of bytes, as text or as a number, as itself', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: largest }), (bytes) => {
        expect(parseQuantity(bytes.toString())).toBe(bytes)
        if (bytes <= Number.MAX_SAFE_INTEGER) expect(parseQuantity(Number(bytes))).toBe(bytes)
      }),
    )
  })

  test('rounds up, by less than one byte', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 0, max: 999_999 }), (whole, millionths) => {
        const bytes = parseQuantity(`${whole}.${String(millionths).padStart(6, '0')}Ki`)
        const exactMillionths = (BigInt(whole) * 1_000_000n + BigInt(millionths)) * 1024n
        expect(bytes * 1_000_000n - exactMillionths).toBeGreaterThanOrEqual(0n)
        expect(bytes * 1_000_000n - exactMillionths).toBeLessThan(1_000_000n)
      }),
    )
  })

  test('reads any text or refuses it with a UsageError', () => {
    const almost = fc.string({ unit: fc.constantFrom(...'0123456789.eE+-kKMGiBm ') })
    fc.assert(
      fc.property(fc.oneof(fc.string(), almost), (text) => {
        try {
          expect(parseQuantity(text)).toBeGreaterThanOrEqual(0n)
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError)
        }
      }),
    )
  })
})

describe('formatQuantity', () => {
  test.each([
    [0n, '0'],
    [1n, '1'],
    [1001n, '1001'],
    [1024n, '1Ki'],
    [1000n, '1k'],
    [10n * 2n ** 30n, '10Gi'],
    [3n * 2n ** 29n, '1536Mi'],
    [500_000_000n, '500M'],
    [1024n * 1000n, '1024k'],
    [largest, largest.toString()],
  ])('writes %s as %s', (bytes, quantity) => {
    expect(formatQuantity(bytes)).toBe(quantity)
  })

  test('writes what parseQuantity reads back exactly', () => {
    const bytes = fc.oneof(
      fc.bigInt({ min: 0n, max: largest }),
      fc
        .tuple(
          fc.bigInt({ min: 0n, max: 999n }),
          fc.constantFrom(1000n, 1024n),
          fc.integer({ min: 0, max: 5 }),
        )
        .map(([amount, base, power]) => amount * base ** BigInt(power)),
    )
    fc.assert(fc.property(bytes, (amount) => parseQuantity(formatQuantity(amount)) === amount))
  })
})

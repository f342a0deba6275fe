import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseJSON, stringifyJSON } from '../../../src/lib/json.ts'

describe('parseJSON', () => {
  it('keeps an integer beyond 2^53 exact, wherever it stands', () => {
    const text =
      '{"CreateTime":1764011111111111113, "list": [1764011111111111113], "a\\"":-1764011111111111113}'
    const large = 1764011111111111113n
    expect(parseJSON(text)).toEqual({ CreateTime: large, list: [large], 'a"': -large })
    expect(parseJSON('{"a" : {"b_1":\n1764011111111111113\n}}')).toEqual({ a: { b_1: large } })
    expect(parseJSON('1764011111111111113')).toBe(large)
  })

  it('gives a number where that is exact, and where it is no integer', () => {
    const text =
      '{"a":9007199254740991,"b":9007199254740993,"c":1764011111111111113.5,"d":1764011111111111113e3}'
    expect(parseJSON(text)).toEqual({
      a: 9007199254740991,
      b: 9007199254740993n,
      c: Number('1764011111111111113.5'),
      d: Number('1764011111111111113e3'),
    })
  })

  it('leaves text as it is that looks like an integer, or like what stands for one', () => {
    const value = {
      name: 'x":1764011111111111113,',
      ':1764011111111111113,': ':1764011111111111113,',
      disk: 'a":1764011111111111113}',
      mark: '\0' + '0',
      number: 1764011111111111113n,
    }
    expect(parseJSON(stringifyJSON(value))).toEqual(value)
  })

  it('reads whatever stringifyJSON wrote', () => {
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.string(),
        fc.constantFrom('\0' + '0', '":1764011111111111113,', '1764011111111111113', '\\u00000'),
        fc.boolean(),
        fc.constant(null),
        fc.maxSafeInteger(),
        fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
        fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 53n) }),
        fc.array(tie('value')),
        fc.dictionary(
          fc.string().filter((key) => key !== '__proto__'),
          tie('value'),
        ),
      ),
    }))
    fc.assert(
      fc.property(value, (each) => {
        expect(parseJSON(stringifyJSON(each))).toEqual(each)
      }),
    )
  })

  it.each(['', '{"a":1764011111111111113', '{"a":01764011111111111113}', '{"a":1764011111111111113,}'])(
    'refuses what is no JSON: %s',
    (text) => {
      expect(() => parseJSON(text)).toThrow(SyntaxError)
    },
  )
})

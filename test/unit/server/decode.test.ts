import fc from 'fast-check'
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { ApiError } from '../../../src/server/errors.ts'
import { parseGoBoolean, parseGoDurationMs } from '../../../src/server/go-values.ts'
import { decode, parseBody } from '../../../src/server/http/decode.ts'
import { VolumeRequest } from '../../../src/wire/volume.ts'

const schema = Type.Object({
  Name: Type.String(),
  Count: Type.Optional(Type.Union([Type.Integer(), Type.BigInt()])),
  Flag: Type.Optional(Type.Boolean()),
  Map: Type.Optional(Type.Union([Type.Record(Type.String(), Type.String()), Type.Null()])),
  List: Type.Optional(Type.Array(Type.Object({ ID: Type.String() }))),
})

describe('decoding', () => {
  it.each([
    ['names without case', { nAmE: 'a' }, { Name: 'a' }],
    ['the exact name before another', { NAME: 'a', Name: 'b' }, { Name: 'b' }],
    ['null as absent', { Name: null, Count: null, Map: null }, { Name: '' }],
    ['nothing as zero values', {}, { Name: '' }],
    ['unknown names not at all', { Name: 'a', Other: {} }, { Name: 'a' }],
    ['integers of 64 bits', { Name: '', Count: 2n ** 63n - 1n }, { Name: '', Count: 2n ** 63n - 1n }],
    ['lone surrogates as replaced', { Name: '\ud800' }, { Name: '\ufffd' }],
    ['lists of objects', { Name: '', list: [{ id: 'x' }] }, { Name: '', List: [{ ID: 'x' }] }],
  ])('takes %s', (_case, given, wanted) => {
    expect(decode(schema, given)).toEqual(wanted)
  })

  it.each([
    ['a number for text', { Name: 1 }, 'Name: want a string, got a JSON number'],
    ['text for a number', { Count: '1' }, 'Count: want an integer, got a JSON string'],
    ['a fraction', { Count: 0.5 }, 'Count: want an integer'],
    ['65 bits', { Count: 2n ** 63n }, 'Count: want an integer of 64 bits'],
    ['text for a boolean', { Flag: 'true' }, 'Flag: want true or false'],
    ['a list for a map', { Map: [] }, 'Map: want an object, got an array'],
    ['a number in a map', { Map: { a: 1 } }, 'Map["a"]: want a string'],
    ['null in a list', { List: [null] }, 'List[0]: want a value, got null'],
    ['a list for the body', [], 'the body: want an object'],
  ])('refuses %s, naming the place', (_case, given, message) => {
    expect(() => decode(schema, given)).toThrow(message)
  })

  it('keeps a key __proto__ as a key', () => {
    const { Map: map } = decode(schema, parseBody(Buffer.from('{"Map":{"__proto__":"x"}}')))
    expect(Object.keys(map ?? {})).toEqual(['__proto__'])
  })

  it('of any JSON gives a value or an ApiError', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        try {
          decode(VolumeRequest, value)
        } catch (error) {
          expect(error).toBeInstanceOf(ApiError)
        }
      }),
    )
  })
})

describe("Go's texts", () => {
  it.each([
    ['0', 0],
    ['30s', 30_000],
    ['1h30m', 5_400_000],
    ['1.5s', 1_500],
    ['-5ms', -5],
    ['5', undefined],
    ['', undefined],
    ['1d', undefined],
    ['s', undefined],
  ])('%s is a duration of %s ms', (text, wanted) => {
    expect(parseGoDurationMs(text)).toBe(wanted)
  })

  it.each([
    ['1', true],
    ['T', true],
    ['False', false],
    ['yes', undefined],
  ])('%s is the boolean %s', (text, wanted) => {
    expect(parseGoBoolean(text)).toBe(wanted)
  })
})

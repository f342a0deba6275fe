import fc from 'fast-check'
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { ApiError } from '../../../src/server/errors.ts'
import { parseGoBoolean, parseGoDurationMs } from '../../../src/server/go-values.ts'
import { decode, parseBody } from '../../../src/server/http/decode.ts'
import { NotAnInteger, parseStrictJSON } from '../../../src/server/http/parse-json.ts'
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
    ['a name twice', { NAME: 'a', Name: 'b' }, 'the field Name is there twice'],
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

  it.each([
    [
      'a trailing comma in an object',
      '{"Volumes":[\n  {"ID":"a",\n}]}',
      'line 2, column 12: there is a comma before "}"',
    ],
    ['a trailing comma in an array', '[1,\n]', 'line 1, column 3: there is a comma before "]"'],
    ['a missing comma', '{"a":1 "b":2}', 'line 1, column 8: want "," or "}"'],
    [
      'single quotes',
      "{'a':1}",
      'line 1, column 2: want a name in double quotes; JSON has text in double quotes',
    ],
    ['an end too soon', '{"a":', 'line 1, column 6: the text ends where a value should stand'],
    ['text without an end', '{"a":"b', 'line 1, column 6: the text in quotes has no end'],
    ['a line break in text', '{"a":"b\n"}', 'line 1, column 8: a control character in quotes'],
    ['an escape that there is not', '{"a":"\\q"}', 'line 1, column 7: an escape that JSON does not have'],
    ['a word', 'nope', 'line 1, column 1: want a value'],
    ['a leading zero', '01', 'line 1, column 2: something follows the value'],
    ['two values', '{} {}', 'line 1, column 4: something follows the value'],
    ['a name twice', '{"a":1,\n "a":2}', 'line 2, column 2: the name stands twice in one object'],
    ['nesting without end', '['.repeat(100_000), 'nested deeper'],
  ])('refuses %s, naming the place and quoting nothing', (_case, text, message) => {
    expect(() => parseBody(Buffer.from(text))).toThrow(message)
  })

  it.each(['1e6', '1.0', '0.5', '1E0', '-1.5e-3'])('refuses %s for an integer, as Go does', (number) => {
    const body = parseBody(Buffer.from(`{"Count":${number}}`))
    expect(() => decode(schema, body)).toThrow(
      'Count: want an integer, got a JSON number with a fraction or an exponent',
    )
  })

  it('reads JSON as JSON.parse does, wherever that is strict enough', () => {
    const value = fc.jsonValue({ noUnicodeString: false, maxDepth: 5 })
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 2), (given, indent) => {
        const text = JSON.stringify(given, (_key, item) => (Object.is(item, -0) ? 0 : item), indent)
        const read = JSON.stringify(parseStrictJSON(text), (_key, item) =>
          typeof item === 'bigint' ? Number(item) : item instanceof NotAnInteger ? 'number' : item,
        )
        const wanted = JSON.stringify(JSON.parse(text), (_key, item) =>
          typeof item === 'number' && /[.e]/.test(String(item)) ? 'number' : item,
        )
        expect(read).toBe(wanted)
      }),
    )
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 12 }), (text) => {
        const isValid = (parse: () => unknown) => {
          try {
            parse()
            return true
          } catch {
            return false
          }
        }
        const quoted = `["${text}"]`
        expect(isValid(() => parseStrictJSON(quoted))).toBe(isValid(() => JSON.parse(quoted)))
      }),
    )
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

import { describe, expect, it } from 'vitest'
import { parsePluginError, toOneLine } from '../../../src/nomad/answer-text.ts'

describe('parsePluginError', () => {
  it.each([
    ['a text without one', 'volume not found: data', undefined],
    [
      'the status at the tail',
      'controller create volume: CSI.ControllerCreateVolume: unsupported capacity_range for volume "d": rpc error: code = OutOfRange desc = at most 1Gi',
      { code: 'OutOfRange', description: 'at most 1Gi' },
    ],
    [
      'the innermost of several',
      'rpc error: code = Unknown desc = rpc error: code = NotFound desc = no such disk',
      { code: 'NotFound', description: 'no such disk' },
    ],
    [
      'a description over lines, inside a multi-error',
      '1 error occurred:\n\t* x: rpc error: code = Internal desc = first\nsecond\n\n',
      { code: 'Internal', description: 'first; second' },
    ],
    ['an empty description', 'x: rpc error: code = Internal desc = ', { code: 'Internal', description: '' }],
  ])('reads %s', (_title, text, expected) => {
    expect(parsePluginError(text)).toEqual(expected)
  })
})

describe('toOneLine', () => {
  it.each([
    ['a plain text', 'volume not found: data\n', 'volume not found: data'],
    ['the prefixes of hops', 'rpc error: rpc error: No cluster leader', 'No cluster leader'],
    ['a coded prefix', 'RPC Error:: 400,failed to read result page', 'failed to read result page'],
    ['a multi-error', '2 errors occurred:\n\t* first\n\t* second\n\n', 'first; second'],
    ['a nested multi-error', '1 error occurred:\n\t* 1 error occurred:\n\t* inner\n\n\n\n', 'inner'],
    ['an empty text', '\n', ''],
  ])('cleans %s', (_title, text, expected) => {
    expect(toOneLine(text)).toBe(expected)
  })

  it('cuts what nobody reads', () => {
    expect(toOneLine('x'.repeat(10_000))).toHaveLength(500)
  })
})

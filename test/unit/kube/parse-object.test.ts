import { describe, expect, it } from 'vitest'
import {
  parseAnswer,
  parseObject,
  parsePage,
  parseWatchEvent,
  UnreadableAnswerError,
} from '../../../src/kube/parse-object.ts'
import { secrets, volumes } from '../../../src/kube/resources.ts'

describe('an object', () => {
  it('is given its kind and loses its managed fields', () => {
    const object = { metadata: { name: 'data', managedFields: [{}] }, spec: { a: 1 } }
    expect(parseObject(object, volumes)).toEqual({
      apiVersion: 'mooring.dev/v1alpha1',
      kind: 'Volume',
      metadata: { name: 'data' },
      spec: { a: 1 },
    })
    expect(parseObject(object, secrets)).toMatchObject({ apiVersion: 'v1', kind: 'Secret' })
  })

  it('keeps who wrote an annotation of ours, and nothing else of the managed fields', () => {
    const wrote = (manager: unknown, ...annotations: readonly string[]) => ({
      manager,
      fieldsV1: {
        'f:metadata': { 'f:annotations': Object.fromEntries(annotations.map((each) => [`f:${each}`, {}])) },
      },
    })
    const managedFields = [
      wrote('kubectl-annotate', 'mooring.dev/keep', 'other.dev/x'),
      wrote('flux', 'mooring.dev/release'),
      wrote(5, 'mooring.dev/recreate'),
      { manager: 'helm' },
      'nothing',
    ]
    const object = { metadata: { name: 'data', managedFields } }
    expect(parseObject(object, volumes).metadata).toEqual({
      name: 'data',
      annotationManagers: { 'mooring.dev/keep': 'kubectl-annotate', 'mooring.dev/release': 'flux' },
    })
    expect(parseObject(object, secrets).metadata).toEqual({ name: 'data' })
  })

  it.each([[null], [[]], ['text'], [{}], [{ metadata: {} }], [{ metadata: { name: 1 } }]])(
    '%j is none',
    (value) => expect(() => parseObject(value, volumes)).toThrow(UnreadableAnswerError),
  )

  it('keeps integers beyond 2^53, and its text to itself where it cannot be read', () => {
    expect(parseAnswer('{"bytes":9223372036854775807}')).toEqual({ bytes: 9223372036854775807n })
    expect(() => parseAnswer('{"password":"topsecret')).toThrow(/^the answer is no JSON$/)
  })
})

describe('a page', () => {
  it('may be empty, as Go writes it', () => {
    const metadata = { resourceVersion: '7', continue: '' }
    expect(parsePage({ metadata, items: null }, volumes)).toEqual({ items: [], resourceVersion: '7' })
  })

  it('may have an entry that is null, which costs no other one', () => {
    const items = [null, { metadata: { name: 'data' } }]
    expect(parsePage({ metadata: { resourceVersion: '7' }, items }, volumes).items).toMatchObject([
      { metadata: { name: 'data' } },
    ])
  })

  it.each([[{}], [{ metadata: {}, items: [] }], [{ metadata: { resourceVersion: '1' }, items: {} }]])(
    '%j is none',
    (value) => expect(() => parsePage(value, volumes)).toThrow(UnreadableAnswerError),
  )
})

it.each([
  [{}],
  [{ type: 'ADDED' }],
  [{ type: 'ADDED', object: {} }],
  [{ type: 'BOOKMARK', object: { metadata: {} } }],
  [{ type: 'SOMETHING', object: { metadata: { name: 'data' } } }],
])('%j is no event', (value) => {
  expect(() => parseWatchEvent(value, volumes)).toThrow(UnreadableAnswerError)
})

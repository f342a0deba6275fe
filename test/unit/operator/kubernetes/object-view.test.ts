import { describe, expect, it } from 'vitest'
import {
  allowedNamespaces,
  type NamespaceMapping,
  parseNamespaceMapping,
} from '../../../../src/operator/declare/namespace-mapping.ts'
import {
  keyAnnotation,
  relevantState,
  scheduleLabel,
  viewObject,
} from '../../../../src/operator/kubernetes/object-view.ts'
import { volumeObject } from '../../../builders/objects.ts'

const none: NamespaceMapping = new Map()
const mapping = (...texts: readonly string[]): NamespaceMapping =>
  new Map(
    texts.map((text) => {
      const { kubernetes = '', nomad = [] } = parseNamespaceMapping(text) ?? {}
      return [kubernetes, nomad]
    }),
  )

describe('parseNamespaceMapping', () => {
  it.each([
    ['team-a=apps', { kubernetes: 'team-a', nomad: ['apps'] }],
    ['team-a=apps,batch', { kubernetes: 'team-a', nomad: ['apps', 'batch'] }],
    ['*=default', { kubernetes: '*', nomad: ['default'] }],
    ['team-a=*', { kubernetes: 'team-a', nomad: ['*'] }],
    ['team-a=', { kubernetes: 'team-a', nomad: [] }],
    ['team-a', undefined],
    ['Team=apps', undefined],
    ['team-a=apps,,batch', undefined],
    ['team-a=a b', undefined],
  ])('reads %s', (text, parsed) => {
    expect(parseNamespaceMapping(text)).toEqual(parsed)
  })
})

describe('allowedNamespaces', () => {
  it.each([
    ['nothing is said', none, 'team-a', ['team-a'], ['default']],
    ['others are named', mapping('team-b=apps'), 'team-a', ['team-a'], ['apps']],
    ['it is named', mapping('team-a=apps,batch'), 'apps', ['apps', 'batch'], ['team-a']],
    ['all others are', mapping('*=default', 'team-b=b'), 'default', ['default'], ['team-a', 'b']],
    ['every one is allowed', mapping('team-a=*'), 'team-a', ['team-a', 'prod'], []],
    ['it may into none', mapping('team-a='), undefined, [], ['team-a']],
  ])('where %s', (_title, given, fallback, allowed, refused) => {
    const found = allowedNamespaces(given, 'team-a')
    expect(found.fallback).toBe(fallback)
    expect(allowed.filter((name) => !found.allows(name))).toEqual([])
    expect(refused.filter((name) => found.allows(name))).toEqual([])
  })
})

describe('viewObject', () => {
  it('reads a declaration, into the Nomad namespace of the same name', () => {
    const { declaration, problems } = viewObject(
      volumeObject('data', { capacity: { min: '1Gi' } }, { labels: { tier: 'gold' }, generation: 4 }),
      none,
    )
    expect(problems).toEqual([])
    expect(declaration).toMatchObject({
      kind: 'Volume',
      name: 'data',
      labels: { tier: 'gold' },
      spec: { namespace: 'team-a', volumeID: 'data', capacity: { min: 2n ** 30n } },
      place: {
        file: 'Volume team-a/data',
        object: { namespace: 'team-a', uid: 'uid-of-data', generation: 4 },
      },
    })
  })

  it('names each field that cannot be used', () => {
    const { declaration, problems } = viewObject(volumeObject('data', { capacity: { min: '10 GB' } }), none)
    expect(declaration).toBeUndefined()
    expect(problems.map(({ field }) => field)).toEqual(['spec.capacity.min'])
  })

  it('refuses a Nomad namespace that its Kubernetes namespace may not declare into, naming those it may', () => {
    const { declaration, problems } = viewObject(
      volumeObject('data', { namespace: 'prod' }),
      mapping('team-a=apps,batch'),
    )
    expect(declaration).toBeUndefined()
    expect(problems).toHaveLength(1)
    expect(problems[0]?.field).toBe('spec.namespace')
    expect(problems[0]?.message).toContain('"prod"')
    expect(problems[0]?.message).toContain('"apps" and "batch"')
  })

  it('asks for a namespace where there is none to fall back to', () => {
    const { problems } = viewObject(volumeObject('data'), mapping('team-a='))
    expect(problems.map(({ field }) => field)).toEqual(['spec.namespace'])
  })

  it('takes a snapshot that a schedule made for what it shows', () => {
    const key = 'Snapshot/team-a/nightly:data:20260101T030000Z'
    const object = {
      ...volumeObject('nightly-data-1'),
      kind: 'Snapshot',
      spec: { volume: 'data' },
    }
    const labelled = {
      ...object,
      metadata: {
        ...object.metadata,
        labels: { [scheduleLabel]: 'nightly' },
        annotations: { [keyAnnotation]: key },
      },
    }
    expect(viewObject(labelled, none)).toMatchObject({
      shownSnapshot: key,
      declaration: { name: 'nightly:data:20260101T030000Z' },
    })
    const foreign = {
      ...labelled,
      metadata: { ...labelled.metadata, annotations: { [keyAnnotation]: 'Snapshot/prod/nightly:data:1' } },
    }
    expect(viewObject(foreign, none).problems.map(({ field }) => field)).toEqual([
      'metadata.annotations["mooring.dev/key"]',
    ])
  })
})

describe('relevantState', () => {
  const before = volumeObject('data')
  it.each([
    ['its status', { ...before, status: { conditions: [] } }, true],
    [
      'its finalizers',
      { ...before, metadata: { ...before.metadata, finalizers: ['mooring.dev/end'] } },
      true,
    ],
    [
      'an annotation of others',
      { ...before, metadata: { ...before.metadata, annotations: { note: 'x' } } },
      true,
    ],
    ['its generation', { ...before, metadata: { ...before.metadata, generation: 2 } }, false],
    ['its labels', { ...before, metadata: { ...before.metadata, labels: { tier: 'gold' } } }, false],
    [
      'an annotation of ours',
      { ...before, metadata: { ...before.metadata, annotations: { 'mooring.dev/reconcile-at': 'now' } } },
      false,
    ],
    ['its deletion', { ...before, metadata: { ...before.metadata, deletionTimestamp: 'now' } }, false],
  ])('is the same after a change of %s: %#', (_title, after, isSame) => {
    expect(relevantState(after) === relevantState(before)).toBe(isSame)
  })
})
